using PromptToPrompt.Diffusion.UNet.Attention;
using static TorchSharp.torch;

namespace PromptToPrompt.Diffusion.UNet.Gradient;

/// <summary>
/// A U-Net at one point of a trajectory, differentiable only with respect to its conditioning, for optimizing embeddings. The weights are
/// frozen and get no gradients. The links before the first one that reads the conditioning run once for all passes.
/// </summary>
internal sealed class DifferentiableUNet : IDisposable
{
    // A rough estimate from SD 1.5: the data that autograd keeps for one row, in feature maps of the finest level.
    private const long KeptMaps = 1000;

    /// <summary>Maximum number of bytes of activations to keep by default.</summary>
    internal const long MaxKept = 2L << 30;

    private readonly List<UNetLink> chain;
    private readonly UNetCall call;
    private readonly UNetConstants? constants;
    private readonly bool recompute;
    private readonly Tensor embedding;
    private readonly Tensor start;
    private readonly Stack<Tensor> kept = [];
    private readonly VectorPath? path;

    /// <summary>Estimates the bytes that autograd keeps for a pass.</summary>
    /// <param name="finest">Number of values in a feature map of the finest level, all rows together.</param>
    /// <param name="number">Bytes per value.</param>
    internal static long KeptBytes(long finest, long number) => KeptMaps * finest * number;

    /// <summary>Runs the links that do not depend on the differentiated inputs.</summary>
    /// <param name="unet">The model.</param>
    /// <param name="sample">Latents, [rows, in channels, h, w].</param>
    /// <param name="timesteps">Timestep of each row, [rows] or [1].</param>
    /// <param name="vector">Added conditioning, [rows, width], for models that take it.</param>
    /// <param name="attention">The run's attention processor.</param>
    /// <param name="step">The step that the attention processor receives.</param>
    /// <param name="recompute">Whether to recompute activations to save memory; null recomputes them if they would take more than about 2 GB.</param>
    /// <param name="differentiateVector">
    /// Whether to compute gradients with respect to <paramref name="vector"/> as well as the text. The vector reaches every residual block
    /// through the timestep embedding, so passes then share almost no work.
    /// </param>
    public DifferentiableUNet(
        UNet2DConditionModel unet,
        Tensor sample,
        Tensor timesteps,
        Tensor? vector = null,
        AttentionProcessor? attention = null,
        DenoisingStep? step = null,
        bool? recompute = null,
        bool differentiateVector = false)
    {
        using var guard = no_grad();
        using var scope = NewDisposeScope();
        this.recompute = recompute ?? KeptBytes(unet.Config.Levels[0].Channels * sample.numel() / sample.shape[1], sample.element_size()) > MaxKept;
        call = new UNetCall(attention ?? AttentionProcessor.Plain, step ?? DenoisingStep.None, (int)sample.shape[2], (int)sample.shape[3]);
        embedding = unet.Embed(timesteps, vector, sample.dtype).DetachFromDisposeScope();
        if (!(differentiateVector && vector is not null))
            call = call with { Constants = constants = new UNetConstants(call.Step.Index, embedding) };
        path = differentiateVector && vector is not null ? new VectorPath(unet, timesteps, vector, sample.dtype) : null;
        var constant = unet.Chain.TakeWhile(link => !link.ReadsText && !(link.ReadsEmbedding && path is not null)).ToList();
        start = UNetLink.RunAll(constant, sample, embedding, embedding, call, kept).DetachFromDisposeScope();
        foreach (var skip in kept)
            skip.DetachFromDisposeScope();
        chain = [.. unet.Chain.Skip(constant.Count)];
    }

    /// <summary>Evaluates the U-Net and stores the data for the gradient.</summary>
    /// <param name="context">The text, [rows, tokens, cross-attention width], in the latents' type. Its <c>requires_grad</c> is ignored.</param>
    public GradientPass Forward(Tensor context)
    {
        using var scope = NewDisposeScope();
        GradientPass pass = recompute ? new CheckpointedPass(embedding, context, call, path) : new GraphPass(embedding, context, call, path);
        try
        {
            pass.Run(chain, start, new(kept.Select(skip => skip.alias()).Reverse()));
            return pass;
        }
        catch
        {
            pass.Dispose();
            throw;
        }
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        path?.Dispose();
        constants?.Dispose();
        embedding.Dispose();
        start.Dispose();
        foreach (var skip in kept)
            skip.Dispose();
        kept.Clear();
    }
}
