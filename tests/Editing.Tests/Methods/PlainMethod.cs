using PromptToPrompt.Diffusion.Native;
using PromptToPrompt.Diffusion.Pipelines;
using PromptToPrompt.Diffusion.Sampling;
using PromptToPrompt.Diffusion.UNet;
using PromptToPrompt.Diffusion.UNet.Attention;
using static TorchSharp.torch;

namespace PromptToPrompt.Editing.Tests.Methods;

/// <summary>
/// An edit as the published code of these methods runs it: four rows (unconditional source, unconditional edit, source, edit), every attention map in memory,
/// classifier-free guidance and DDIM. Of the product it uses the networks and the DDIM step.
/// </summary>
/// <param name="Source">The source prompt.</param>
/// <param name="Target">The edited prompt.</param>
/// <param name="Steps">DDIM steps.</param>
/// <param name="Guidance">Guidance scale.</param>
internal sealed record PlainMethod(string Source, string Target, int Steps, double Guidance)
{
    /// <summary>The row of the source that belongs to each row.</summary>
    public static readonly int[] RowOfSource = [0, 0, 2, 2];

    /// <summary>The final latents of source and edit.</summary>
    /// <param name="model">The model.</param>
    /// <param name="noise">[1, channels, h, w].</param>
    /// <param name="attention">The method.</param>
    /// <param name="trajectory">The latents that the source follows; null for its own.</param>
    public Tensor Run(StableDiffusionModel model, Tensor noise, AttentionProcessor attention, Tensor? trajectory = null)
    {
        using var _ = no_grad();
        using var scope = NewDisposeScope();
        using var scheduler = new DdimScheduler(model.SchedulerConfig, Steps);
        var empty = TextConditioning.EncodeNegative(model, "").Text;
        var text = cat([empty, empty, TextConditioning.Encode(model, [model.Tokenizer.Tokenize(Source), model.Tokenizer.Tokenize(Target)]).Text], 0);
        BatchRow[] rows = [new(0, false), new(1, false), new(0, true), new(1, true)];
        var latents = cat([noise, noise], 0);
        for (var step = 0; step < Steps; step++)
        {
            var timestep = scheduler.Timesteps[step];
            var output = model.UNet.Forward(
                cat([latents, latents], 0), tensor(new[] { timestep }), new Conditioning(text), attention, new DenoisingStep(step, timestep, rows));
            var (free, prompted) = (output.narrow(0, 0, 2), output.narrow(0, 2, 2));
            latents = scheduler.Step(free.Plus((prompted - free) * NativeScalar.Scalar(Guidance)), step, latents);
            if (trajectory is not null)
                latents = cat([trajectory.narrow(0, step + 1, 1), latents.narrow(0, 1, 1)], 0);
        }

        return latents.MoveToOuterDisposeScope();
    }

    /// <summary>softmax(QKᵀ/√d), with a number added to each score.</summary>
    public static Tensor Map(Tensor query, Tensor key, Tensor? added = null)
    {
        var scores = matmul(query, key.transpose(-2, -1)) / NativeScalar.Scalar(Math.Sqrt(query.shape[^1]));
        return nn.functional.softmax(added is null ? scores : scores + added, -1);
    }

    /// <summary>The rows of a batch in another order.</summary>
    public static Tensor Rows(Tensor batch, params int[] order) => cat([.. order.Select(row => batch.narrow(0, row, 1))], 0);
}
