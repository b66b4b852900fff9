using PromptToPrompt.Diffusion;
using PromptToPrompt.Diffusion.Pipelines;
using PromptToPrompt.Editing.Attention;
using PromptToPrompt.Editing.Inversion;
using PromptToPrompt.Editing.Pipelines;
using static TorchSharp.torch;

namespace PromptToPrompt.Editing.Tests.Pipelines;

public sealed class EditNoiseTests(TinyModel small) : IClassFixture<TinyModel>
{
    private static readonly GenerationRequest Source = new() { Prompt = "a red house in a field", Sampling = new() { Steps = 3, Seed = 3 } };
    private static readonly EditRequest Edit = new() { Prompts = ["a red castle in a field"] };
    private readonly StableDiffusionModel model = small.Model;

    [Fact]
    public void AllOfTheOwnNoiseIsTheNoiseOfTheSeed()
    {
        using var own = InitialNoise.FromSeed(model, 8, model.ImageSide, model.ImageSide);
        AssertNoise(own, Edit with { EditSeed = 8 });
    }

    [Fact]
    public void NoneOfItIsTheSourcesNoise()
    {
        using var source = InitialNoise.FromSeed(model, 3, model.ImageSide, model.ImageSide);
        AssertNoise(source, Edit with { EditSeed = 8, EditNoise = 0 });
    }

    [Fact]
    public void MixedNoiseHasUnitVariance()
    {
        using var scope = NewDisposeScope();
        var (source, own) = (InitialNoise.FromSeed(model, 3, 256, 256), InitialNoise.FromSeed(model, 8, 256, 256));
        using var plan = new EditPlan(model, Source with { Sampling = Source.Sampling with { Size = new(256, 256) } }, Edit with { EditSeed = 8, EditNoise = 0.36 });
        var mixed = plan.Noise.narrow(0, 1, 1);
        Assert.True((mixed - ((source * 0.8) + (own * 0.6))).abs().max().item<float>() < 1e-5);
        Assert.InRange(mixed.var().item<float>(), 0.95, 1.05);
    }

    [Fact]
    public void EditsOfAnInvertedImageMayStartFromOtherNoise()
    {
        using var scope = NewDisposeScope();
        var latents = randn([1, model.Shape.Vae.LatentChannels, 4, 6], generator: new Generator(1));
        using var inverted = InversionMethod.Invert(model, latents, new() { Prompt = Source.Prompt, Method = new DirectInversion(), Sampling = Source.Sampling });
        var source = GenerationRequest.Of(inverted);
        using var own = InitialNoise.FromSeed(model, 8, 4 * model.Shape.Vae.PixelsPerLatent, 6 * model.Shape.Vae.PixelsPerLatent);
        using var plan = new EditPlan(model, source, Edit with { EditSeed = 8 });
        Assert.True(own.equal(plan.Noise.narrow(0, 1, 1)).all().item<bool>());
        using var result = EditRun.Execute(model, source, Edit with { EditSeed = 8 });
        Assert.Equal(2, result.Images.Count);
    }

    [Theory]
    [InlineData(null, 0.5)]
    [InlineData(8UL, 1.5)]
    [InlineData(8UL, -0.5)]
    public void AShareNeedsASeedAndARange(ulong? seed, double share) =>
        Assert.Equal(nameof(EditRequest.EditNoise), Assert.Throws<InvalidInputException>(() => (Edit with { EditSeed = seed, EditNoise = share }).Validate()).Setting);

    private void AssertNoise(Tensor expected, EditRequest edit)
    {
        using var plan = new EditPlan(model, Source, edit);
        Assert.True(expected.equal(plan.Noise.narrow(0, 1, 1)).all().item<bool>());
    }
}
