using PromptToPrompt.Diffusion.UNet.Attention;
using static TorchSharp.torch;

namespace PromptToPrompt.Diffusion.UNet.Gradient;

/// <summary>
/// A U-Net at one place of a trajectory, differentiable with respect to its conditioning alone, which is what optimising an embedding needs. The
/// weights are frozen: no gradient of theirs is computed. What comes before the first link that reads the conditioning runs once for all passes.
/// </summary>
/// <remarks>
/// Each link of the chain is differentiated by itself, last to first, and what autograd holds for it is freed at once. When recomputing, a
/// pass keeps the links' inputs only and runs each link again for its gradient (Chen et al., arXiv 1604.06174): that takes one more forward
/// pass, and memory for the activations of one link instead of all.
/// </remarks>
internal sealed class CheckpointedUNet : IDisposable
{
    // A rough measure, from SD 1.5's: what autograd keeps of one row, in feature maps of the finest level.
    private const long KeptMaps = 1000;

    /// <summary>Most bytes that are kept where nobody has said whether to save memory.</summary>
    internal const long MaxKept = 2L << 30;

    private readonly List<UNetLink> chain;
    private readonly UNetCall call;
    private readonly bool recompute;
    private readonly Tensor embedding;
    private readonly Tensor start;
    private readonly Stack<Tensor> kept = [];
    private readonly VectorPath? path;

    /// <summary>About what autograd keeps of a pass.</summary>
    /// <param name="finest">Numbers in a feature map of the finest level, all rows together.</param>
    /// <param name="number">Bytes of a number.</param>
    internal static long KeptBytes(long finest, long number) => KeptMaps * finest * number;

    /// <summary>Runs what does not depend on what is differentiated.</summary>
    /// <param name="unet">The model.</param>
    /// <param name="sample">Latents, [rows, in channels, h, w].</param>
    /// <param name="timesteps">Timestep of each row, [rows] or [1].</param>
    /// <param name="vector">The vector of text and sizes, [rows, width], for models that take one.</param>
    /// <param name="attention">The run's attention processor.</param>
    /// <param name="step">What the processor is told of the run.</param>
    /// <param name="recompute">Whether to save memory at the cost of time; null: where keeping activations would take more than about 2 GB.</param>
    /// <param name="differentiateVector">
    /// Whether gradients with respect to <paramref name="vector"/> are wanted beside those with respect to the text. It joins the timestep in every
    /// residual block, so next to nothing is shared between passes then.
    /// </param>
    public CheckpointedUNet(
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
        path = differentiateVector && vector is not null ? new VectorPath(unet, timesteps, vector, sample.dtype) : null;
        var constant = unet.Chain.TakeWhile(link => !link.ReadsText && !(link.ReadsEmbedding && path is not null)).ToList();
        start = UNetLink.RunAll(constant, sample, embedding, embedding, call, kept).DetachFromDisposeScope();
        foreach (var skip in kept)
            skip.DetachFromDisposeScope();
        chain = [.. unet.Chain.Skip(constant.Count)];
    }

    /// <summary>Evaluates the U-Net and remembers what the gradient needs.</summary>
    /// <param name="context">The text, [rows, tokens, cross-attention width], in the latents' type. Its own <c>requires_grad</c> plays no part.</param>
    public CheckpointedPass Forward(Tensor context)
    {
        using var scope = NewDisposeScope();
        var pass = new CheckpointedPass(embedding, context, call, recompute, path);
        try
        {
            pass.Run(chain, start, kept.Select(skip => skip.alias()).Reverse());
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
        embedding.Dispose();
        start.Dispose();
        foreach (var skip in kept)
            skip.Dispose();
        kept.Clear();
    }
}
