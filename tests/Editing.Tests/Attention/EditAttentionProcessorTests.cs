using PromptToPrompt.Diffusion.Pipelines;
using PromptToPrompt.Diffusion.Sampling;
using PromptToPrompt.Editing.Alignment;
using PromptToPrompt.Editing.Attention;
using PromptToPrompt.Editing.Pipelines;
using PromptToPrompt.Editing.Prompts;
using PromptToPrompt.Editing.Tests.Oracles;
using static TorchSharp.torch;

namespace PromptToPrompt.Editing.Tests.Attention;

/// <summary>The product's edits, which hold no map in memory, against the definition written down with every map.</summary>
public sealed class EditAttentionProcessorTests(EditAttentionProcessorTests.Fixture fixture) : IClassFixture<EditAttentionProcessorTests.Fixture>
{
    private const int Steps = 3;
    private const double Guidance = 4;

    public static TheoryData<string, PlainEdit> Edits { get; } = new()
    {
        { "replace", Edit("a red castle in a field", AlignmentKind.Replace) },
        { "refine", Edit("a red house in a green field at night", AlignmentKind.Refine) },
        { "auto", Edit("a blue castle in a sunny field", AlignmentKind.Auto) },
        { "stronger and inverted words", Edit("a red house in a field", AlignmentKind.Auto) with { Edit = new() { Weights = [new("red", 3), new("field", -1)] } } },
        { "a window for one word", Edit("a red castle in a field", AlignmentKind.Auto) with { Edit = new() { CrossSteps = CrossReplaceSteps.Parse(["0.8", "castle=0..0.4"]) } } },
        { "self-attention throughout", Edit("a red castle in a field", AlignmentKind.Auto) with { Edit = new() { SelfSteps = StepWindow.Always } } },
        { "self-attention alone, of all layers and of both rows", Edit("a red castle in a field", AlignmentKind.Auto) with { Edit = WholeSelf } },
        { "no attention", Edit("a red castle in a field", AlignmentKind.Auto) with { Edit = Free } },
        { "a local blend", Edit("a red castle in a field", AlignmentKind.Auto) with { BlendWord = ("house", "castle") } },
    };

    // As InstructPix2Pix's data were made.
    private static EditRequest WholeSelf => Free with { SelfSteps = StepWindow.Until(0.7), SelfResolution = EditRequest.MaxSelfResolution, SelfUnconditional = true };

    private static EditRequest Free => new() { CrossSteps = new CrossReplaceSteps(StepWindow.Until(0)), SelfSteps = StepWindow.Until(0) };

    [Theory]
    [MemberData(nameof(Edits), DisableDiscoveryEnumeration = true)]
    public void AnEditIsWhatItsDefinitionSays(string what, PlainEdit edit)
    {
        using var scope = NewDisposeScope();
        var expected = edit.Run(fixture.Model, fixture.Noise, Steps, Guidance);
        var source = new GenerationRequest
        {
            Prompt = edit.Source,
            Sampling = new() { Steps = Steps, Guidance = Guidance, Scheduler = SchedulerKind.Ddim },
            InitialLatents = fixture.Noise,
        };
        using var result = EditRun.Execute(fixture.Model, source, edit.Edit with
        {
            Prompts = [edit.Target],
            Blend = edit.BlendWord is { } words ? BlendWords.Parse($"{words.Source}:{words.Target}") : null,
            BlendThreshold = PlainEdit.BlendThreshold,
            BlendStart = 0,
        });
        AssertClose(expected, result.Latents, 1e-4, what);
        // Control must matter here, or the comparison would prove nothing.
        if (what != "no attention")
            AssertDiffers((edit with { Edit = Free, BlendWord = null }).Run(fixture.Model, fixture.Noise, Steps, Guidance), expected, 1e-2);
    }

    [Fact]
    public void LayersAndRowsAreControlledOnlyIfTheEditSaysSo()
    {
        using var scope = NewDisposeScope();
        var edit = Edit("a red castle in a field", AlignmentKind.Auto);
        var whole = (edit with { Edit = WholeSelf }).Run(fixture.Model, fixture.Noise, Steps, Guidance);
        AssertDiffers((edit with { Edit = WholeSelf with { SelfUnconditional = false } }).Run(fixture.Model, fixture.Noise, Steps, Guidance), whole, 2e-3);
        AssertDiffers((edit with { Edit = WholeSelf with { SelfResolution = 8 } }).Run(fixture.Model, fixture.Noise, Steps, Guidance), whole, 2e-3);
    }

    private static PlainEdit Edit(string target, AlignmentKind kind) => new("a red house in a field", target, new EditRequest { Alignment = kind });

    public sealed class Fixture : IDisposable
    {
        // Maps of 16×16 positions, as the definition of the blend has them.
        private const int Side = 64;

        private readonly TinyModel small = new();

        public Fixture() => Noise = InitialNoise.FromSeed(Model, 3, Side, Side).DetachFromDisposeScope();

        public StableDiffusionModel Model => small.Model;

        public Tensor Noise { get; }

        public void Dispose()
        {
            Noise.Dispose();
            small.Dispose();
        }
    }
}
