using PromptToPrompt.Diffusion.Native;
using PromptToPrompt.Diffusion.Pipelines;
using PromptToPrompt.Diffusion.Sampling;
using PromptToPrompt.Diffusion.UNet;
using PromptToPrompt.Editing.Attention;
using PromptToPrompt.Editing.Pipelines;
using PromptToPrompt.Editing.Tests.Oracles;
using static TorchSharp.torch;

namespace PromptToPrompt.Benchmarks;

/// <summary>The measured edit: one word changed, source and target in one batch, several DDIM steps.</summary>
internal sealed class EditScenario : IDisposable
{
    private readonly bool ownsModel;
    private readonly Tensor noise;
    private readonly Conditioning conditional;
    private readonly Conditioning unconditional;

    /// <summary>10 steps on the embedded model, from a seed.</summary>
    public EditScenario()
        : this(
            StableDiffusionModel.Load(EmbeddedModel.Directory),
            new GenerationRequest
            {
                Prompt = "a red house in a field",
                Sampling = new() { Steps = 10, Guidance = 4, Seed = 3, Scheduler = SchedulerKind.Ddim },
            },
            new EditRequest { Prompts = ["a red castle in a field"] })
    {
        ownsModel = true;
    }

    /// <summary>An edit from given noise.</summary>
    /// <param name="model">The model; the caller disposes it.</param>
    /// <param name="source">The source.</param>
    /// <param name="edit">An edit with one prompt.</param>
    /// <param name="start">The noise, [1, channels, h, w]; null for the request's seed.</param>
    /// <param name="unconditional">Embeddings in place of the empty prompt's, [steps, tokens, width]; null for the empty prompt's.</param>
    public EditScenario(StableDiffusionModel model, GenerationRequest source, EditRequest edit, Tensor? start = null, Tensor? unconditional = null)
    {
        (Model, Source, Edit) = (model, source, edit);
        var before = Model.Tokenizer.Tokenize(source.Prompt);
        var after = Model.Tokenizer.Tokenize(edit.Prompts[0]);
        Edits = [null, EditSchedule.Create(before, after, edit, source.Sampling.Steps)];
        conditional = TextConditioning.Encode(Model, [before, after]);
        this.unconditional = unconditional is null ? TextConditioning.EncodeNegative(Model, "") : new Conditioning(unconditional.alias());
        using var one = start?.alias() ?? InitialNoise.FromSeed(Model, source.Sampling.Seed, Model.ImageSide, Model.ImageSide);
        noise = cat([one, one], 0);
    }

    public StableDiffusionModel Model { get; }

    public GenerationRequest Source { get; }

    public EditRequest Edit { get; }

    public IReadOnlyList<EditSchedule?> Edits { get; }

    /// <summary>Runs the product's implementation. Returns the final latents, [2, channels, h, w].</summary>
    public Tensor RunFused()
    {
        using var result = EditRun.Execute(Model, Source, Edit);
        return result.Latents.clone();
    }

    /// <summary>
    /// Runs the straightforward implementation: the same loop and decoding with every map in memory. Returns the final latents.
    /// </summary>
    public Tensor RunMaterialized()
    {
        using var attention = new MaterializedAttentionProcessor(Edits);
        using var scheduler = Model.CreateScheduler(SchedulerKind.Ddim, Source.Sampling.Steps);
        var request = new DenoisingRequest
        {
            Latents = noise,
            Prompts = [0, 1],
            Conditional = conditional,
            Unconditional = unconditional,
            Sampling = Source.Sampling,
            Attention = attention,
        };
        foreach (var state in DenoisingLoop.Run(Model.Denoiser, scheduler, request))
        {
            if (state.Step < state.Steps - 1)
                continue;
            _ = Model.Vae.DecodeImages(state.Latents);
            return state.Latents.clone();
        }

        throw new InvalidOperationException("The run had no steps.");
    }

    /// <summary>Checks that both implementations agree; otherwise their times are not comparable.</summary>
    /// <returns>The largest difference of the final latents, relative to the largest latent.</returns>
    /// <exception cref="InvalidOperationException">They differ by more than 1e-3.</exception>
    public double RequireAgreement()
    {
        using var scope = NewDisposeScope();
        var (fused, materialized) = (RunFused(), RunMaterialized());
        var error = (fused - materialized).abs().max().ReadDouble() / fused.abs().max().ReadDouble();
        return error <= 1e-3 ? error
            : throw new InvalidOperationException($"The fused and the materialized edit differ by {error:E1} of the largest latent.");
    }

    public void Dispose()
    {
        noise.Dispose();
        conditional.Dispose();
        unconditional.Dispose();
        if (ownsModel)
            Model.Dispose();
    }
}
