using PromptToPrompt.Diffusion.Native;
using PromptToPrompt.Diffusion.Pipelines;
using PromptToPrompt.Diffusion.Sampling;
using PromptToPrompt.Diffusion.Text;
using PromptToPrompt.Diffusion.UNet;
using PromptToPrompt.Diffusion.UNet.Attention;
using PromptToPrompt.Editing.Attention;
using static TorchSharp.torch;

namespace PromptToPrompt.Editing.Tests.Oracles;

/// <summary>
/// A whole edit as the published notebooks run it: source and edit in one batch with their unconditional rows, every attention map in memory,
/// DDIM, and the local blend after each step. Of the product it uses the networks, the DDIM step and the matrices P and R, all of which have
/// fixtures of the published implementations, but neither its attention, its loop nor its blend.
/// </summary>
/// <param name="Source">The source prompt.</param>
/// <param name="Target">The edited prompt.</param>
/// <param name="Edit">What is asked of the edit.</param>
/// <param name="BlendWord">The word of each prompt that confines the edit; null where the whole picture may change.</param>
public sealed record PlainEdit(string Source, string Target, EditRequest Edit, (string Source, string Target)? BlendWord = null)
{
    public const double BlendThreshold = 0.6;

    /// <summary>Positions of the layers that the blend looks at: 16×16.</summary>
    private const int BlendSide = 16;

    /// <summary>The final latents of source and edit.</summary>
    /// <param name="model">The model.</param>
    /// <param name="noise">[1, channels, h, w].</param>
    /// <param name="steps">DDIM steps.</param>
    /// <param name="guidance">Guidance scale.</param>
    public Tensor Run(StableDiffusionModel model, Tensor noise, int steps, double guidance)
    {
        using var _ = no_grad();
        using var scope = NewDisposeScope();
        var (source, target) = (model.Tokenizer.Tokenize(Source), model.Tokenizer.Tokenize(Target));
        using var attention = new MaterializedAttentionProcessor([null, EditSchedule.Create(source, target, Edit, steps)]);
        using var scheduler = new DdimScheduler(model.SchedulerConfig, steps);
        var empty = TextConditioning.EncodeNegative(model, "").Text;
        var text = cat([empty, empty, TextConditioning.Encode(model, [source, target]).Text], 0);
        BatchRow[] rows = [new(0, false), new(1, false), new(0, true), new(1, true)];
        var latents = cat([noise, noise], 0);
        for (var step = 0; step < steps; step++)
        {
            var timestep = scheduler.Timesteps[step];
            var output = model.UNet.Forward(
                cat([latents, latents], 0), tensor(new[] { timestep }), new Conditioning(text), attention, new DenoisingStep(step, timestep, rows));
            var (free, prompted) = (output.narrow(0, 0, 2), output.narrow(0, 2, 2));
            latents = scheduler.Step(free.Plus((prompted - free) * NativeScalar.Scalar(guidance)), step, latents);
            if (BlendWord is { } words)
                latents = Blend(latents, attention.CrossMaps(BlendSide * BlendSide), [source.Find(words.Source), target.Find(words.Target)]);
        }

        return latents.MoveToOuterDisposeScope();
    }

    private static Tensor Blend(Tensor latents, Tensor maps, IReadOnlyList<int>[] tokens)
    {
        var words = stack(tokens.Select((places, row) => maps[row].index_select(1, tensor(places.Select(place => (long)place).ToArray())).sum(1).view(1, BlendSide, BlendSide)));
        var pooled = nn.functional.max_pool2d(words, [3, 3], [1, 1], [1, 1]);
        var scaled = nn.functional.interpolate(pooled, latents.shape[2..], mode: InterpolationMode.Nearest);
        var own = (scaled / scaled.amax([2, 3], keepdim: true)).gt(NativeScalar.Scalar(BlendThreshold));
        var mask = own.bitwise_or(own.narrow(0, 0, 1)).to(latents.dtype);
        var source = latents.narrow(0, 0, 1);
        return source.Plus(mask * (latents - source));
    }
}
