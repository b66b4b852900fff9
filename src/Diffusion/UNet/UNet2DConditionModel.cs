using PromptToPrompt.Diffusion.Common;
using PromptToPrompt.Diffusion.Native;
using PromptToPrompt.Diffusion.Storage.Weights;
using PromptToPrompt.Diffusion.UNet.Attention;
using static TorchSharp.torch;

namespace PromptToPrompt.Diffusion.UNet;

/// <summary>The denoiser of Stable Diffusion (Rombach et al., arXiv 2112.10752): predicts noise (or velocity) from latents, timestep and text.</summary>
internal sealed class UNet2DConditionModel
{
    private readonly TimestepEmbedding timeEmbedding;
    private readonly EmbeddingMlp? vectorEmbedding;

    /// <summary>Builds the model from its config and weights.</summary>
    public UNet2DConditionModel(UNetConfig config, WeightScope weights)
    {
        Config = config;
        var sites = new SiteRegistry();
        var finest = config.Levels[0].Channels;
        var embedding = finest * 4;
        timeEmbedding = new TimestepEmbedding(weights["time_embedding"], finest, embedding, config.CosineFirst, config.FrequencyShift, config.GuidanceWidth);
        vectorEmbedding = config.Vector is { } vector ? new EmbeddingMlp(weights["add_embedding"], vector.Width, embedding) : null;
        var convIn = new Conv2d(weights["conv_in"], config.InChannels, finest, 3, padding: 1);
        var chain = new List<UNetLink> { new((x, _, _, in _) => convIn.Forward(x)) { Keeps = true } };
        sites.Stage = UNetStage.Down;
        for (var level = 0; level < config.Levels.Count; level++)
            chain.AddRange(UNetBlocks.Down(weights["down_blocks"][level], sites, config, level, embedding));
        sites.Stage = UNetStage.Mid;
        if (config.HasMidBlock)
            chain.AddRange(UNetBlocks.Mid(weights["mid_block"], sites, config, embedding));
        sites.Stage = UNetStage.Up;
        for (var i = 0; i < config.Levels.Count; i++)
            chain.AddRange(UNetBlocks.Up(weights["up_blocks"][i], sites, config, config.Levels.Count - 1 - i, embedding));
        var normOut = new GroupNorm(weights["conv_norm_out"], finest, config.NormGroups, config.NormEpsilon);
        var convOut = new Conv2d(weights["conv_out"], finest, config.OutChannels, 3, padding: 1);
        chain.Add(new UNetLink((x, _, _, in _) =>
        {
            using var inner = NewDisposeScope();
            return convOut.Forward(normOut.ForwardSilu(x)).MoveToOuterDisposeScope();
        }));
        Chain = chain;
        AttentionSites = sites.Sites;
    }

    /// <summary>The model's config.</summary>
    public UNetConfig Config { get; }

    /// <summary>All attention layers in execution order.</summary>
    public IReadOnlyList<AttentionSite> AttentionSites { get; }

    /// <summary>The links from latents to output, in execution order.</summary>
    internal IReadOnlyList<UNetLink> Chain { get; }

    /// <summary>Predicts the noise in the latents, or the velocity, depending on the model's training.</summary>
    /// <param name="sample">Latents, [rows, in channels, h, w].</param>
    /// <param name="timesteps">Timestep of each row, [rows] or [1].</param>
    /// <param name="conditioning">The conditioning of each row, in the sample's type.</param>
    /// <param name="attention">The run's attention processor.</param>
    /// <param name="step">The step that the attention processor receives.</param>
    /// <returns>[rows, out channels, h, w].</returns>
    public Tensor Forward(Tensor sample, Tensor timesteps, Conditioning conditioning, AttentionProcessor? attention = null, DenoisingStep? step = null)
    {
        using var scope = NewDisposeScope();
        var embedding = Embed(timesteps, conditioning.Vector, sample.dtype, conditioning.Guidance);
        return UNetLink.RunAll(Chain, sample, embedding, conditioning.Text, Call(sample, attention, step), []).MoveToOuterDisposeScope();
    }

    /// <summary>Predicts the noise or the velocity in the latents of a step of a run.</summary>
    /// <param name="sample">Latents, [rows, in channels, h, w].</param>
    /// <param name="constants">The constants of the run.</param>
    /// <param name="conditioning">The conditioning of each row, in the sample's type.</param>
    /// <param name="attention">The run's attention processor.</param>
    /// <param name="step">The step.</param>
    /// <returns>[rows, out channels, h, w].</returns>
    public Tensor Forward(Tensor sample, UNetConstants constants, Conditioning conditioning, AttentionProcessor attention, DenoisingStep step)
    {
        using var scope = NewDisposeScope();
        constants.Prepare(step.Index, conditioning.Vector, timesteps =>
        {
            using var inner = NewDisposeScope();
            var numbers = tensor(timesteps.ToArray(), device: sample.device);
            return Embed(numbers, conditioning.Vector, sample.dtype, conditioning.Guidance, eachWithEach: true).MoveToOuterDisposeScope();
        });
        return UNetLink.RunAll(Chain, sample, embedding: null, conditioning.Text, Call(sample, attention, step) with { Constants = constants }, []).MoveToOuterDisposeScope();
    }

    /// <summary>Builds the added conditioning from pooled text and sizes, for models that take it (<see cref="UNetConfig.Vector"/>).</summary>
    /// <param name="config">The model's config.</param>
    /// <param name="pooled">The pooled text embedding, [rows, pooled width].</param>
    /// <param name="sizes">The image's sizes, [rows, 6]; see <c>SizeConditioning</c>.</param>
    /// <returns>[rows, width] in the text's type.</returns>
    public static Tensor Vector(UNetConfig config, Tensor pooled, Tensor sizes)
    {
        using var scope = NewDisposeScope();
        var vector = config.Vector ?? throw new InvalidOperationException("This U-Net takes no added conditioning.");
        var waves = Sinusoids.Of(sizes.flatten(), vector.SizeWidth, config.CosineFirst, config.FrequencyShift).reshape(sizes.shape[0], -1);
        return cat([pooled, waves.to(pooled.dtype)], 1).MoveToOuterDisposeScope();
    }

    /// <summary>The activated embedding of timestep and added conditioning that every residual block receives.</summary>
    /// <param name="timesteps">[rows] or [1].</param>
    /// <param name="vector">Added conditioning, [rows, width]; null for models without it.</param>
    /// <param name="dtype">The compute type.</param>
    /// <param name="guidance">Guidance of each row as an input, for models that were distilled to take it.</param>
    /// <param name="eachWithEach">Whether to combine every timestep with every row.</param>
    /// <returns>[rows or 1, embedding], or [timesteps, rows or 1, embedding].</returns>
    internal Tensor Embed(Tensor timesteps, Tensor? vector, ScalarType dtype, IReadOnlyList<double>? guidance = null, bool eachWithEach = false)
    {
        using var scope = NewDisposeScope();
        if (vector is null != vectorEmbedding is null)
            throw new ArgumentException(vector is null ? "This U-Net needs added conditioning (pooled text and sizes)." : "This U-Net takes no added conditioning.", nameof(vector));
        var embedding = timeEmbedding.Forward(timesteps, dtype, guidance, eachWithEach);
        return Activations.Silu(vector is null ? embedding : embedding.Plus(vectorEmbedding!.Forward(vector))).MoveToOuterDisposeScope();
    }

    private static UNetCall Call(Tensor sample, AttentionProcessor? attention, DenoisingStep? step) =>
        new(attention ?? AttentionProcessor.Plain, step ?? DenoisingStep.None, (int)sample.shape[2], (int)sample.shape[3]);
}
