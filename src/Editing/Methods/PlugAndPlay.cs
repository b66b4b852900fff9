using PromptToPrompt.Diffusion.UNet.Attention;
using static PromptToPrompt.Diffusion.InvalidInputException;
using static TorchSharp.torch;

namespace PromptToPrompt.Editing.Methods;

/// <summary>
/// Plug-and-Play diffusion features (Tumanyan et al. 2022, arXiv 2211.12572): the edit takes the source's layout, position by position, and draws it by its own
/// prompt. Of N steps, in the first τ_A·N each self-attention layer of the decoder but the first takes the source's queries and keys,
/// <code>
/// (1)  softmax(Q_s·K_sᵀ/√d)·V_e
/// </code>
/// and in the first τ_f·N one residual block takes the source's features, with x_e the block's input and f the output of its convolutions:
/// <code>
/// (2)  x_e + f(x_s)
/// </code>
/// in both halves of classifier-free guidance. Cross-attention is not touched. In Stable Diffusion 1 the layers are 8 to 15 of 16, and the block is
/// <c>up_blocks.1.resnets.1</c>, the paper's layer 4 of the decoder.
/// </summary>
public sealed record PlugAndPlay : EditMethod
{
    /// <inheritdoc/>
    public override string Name => "pnp";

    /// <summary>τ_A: part of the steps, from the first, whose self-attention comes from the source, 0 to 1.</summary>
    public double AttentionSteps { get; init; } = 0.5;

    /// <summary>τ_f: part of the steps, from the first, whose features come from the source, 0 to 1.</summary>
    public double FeatureSteps { get; init; } = 0.8;

    /// <inheritdoc/>
    public override void Validate()
    {
        RequireRange(AttentionSteps, 0.0, 1.0, nameof(AttentionSteps));
        RequireRange(FeatureSteps, 0.0, 1.0, nameof(FeatureSteps));
    }

    internal override bool ReadsActivations => true;

    internal override AttentionProcessor Attention(MethodRun run, AttentionProcessor inner) => new InjectedFeatures(this, run, inner);

    private sealed class InjectedFeatures : SourceSharing
    {
        private readonly int attentionSteps;
        private readonly int featureSteps;
        private readonly int firstLayer;
        private readonly string block;

        public InjectedFeatures(PlugAndPlay method, MethodRun run, AttentionProcessor inner)
            : base(run.Source, inner)
        {
            (attentionSteps, featureSteps) = ((int)(method.AttentionSteps * run.Steps), (int)(method.FeatureSteps * run.Steps));
            var network = run.Network;
            // The decoder's lowest level with attention: the second of Stable Diffusion 1's four, and the first of XL's three. Networks without attention in
            // the decoder have no layer to take over.
            var lowest = network.Levels.Reverse().ToList().FindIndex(level => level.UpAttention);
            var decoder = network.Levels.Where(level => level.UpAttention).Sum(level => level.TransformerDepth * (network.LayersPerBlock + 1));
            firstLayer = network.TransformerBlocks - decoder + (lowest < 0 ? 0 : network.Levels[network.Levels.Count - 1 - lowest].TransformerDepth);
            block = $"up_blocks.{Math.Max(lowest, 0)}.resnets.1";
        }

        public override Tensor Attend(in AttentionCall call, Tensor query, Tensor key, Tensor value)
        {
            // Each transformer block has a self- and a cross-attention layer.
            if (call.Site.Kind != AttentionKind.Self || call.Step.Index >= attentionSteps || call.Site.Index / 2 < firstLayer)
                return Inner.Attend(call, query, key, value);
            using var scope = NewDisposeScope();
            return Inner.Attend(call, OfSource(SourcePart.Query, call.Step, call.Site.Index, query), OfSource(SourcePart.Key, call.Step, call.Site.Index, key), value)
                .MoveToOuterDisposeScope();
        }

        public override Tensor Residual(in ResidualCall call, Tensor features) =>
            call.Step.Index < featureSteps && call.Site.Name == block ? OfSource(SourcePart.Features, call.Step, call.Site.Index, features) : features;
    }
}
