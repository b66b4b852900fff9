using System.Runtime.CompilerServices;
using PromptToPrompt.Diffusion.Pipelines;
using PromptToPrompt.Diffusion.Sampling;
using PromptToPrompt.Diffusion.Storage.Layouts;
using PromptToPrompt.Diffusion.Storage.Weights;
using PromptToPrompt.Editing.Alignment;
using PromptToPrompt.Editing.Attention;
using PromptToPrompt.Editing.Inversion;
using PromptToPrompt.Editing.Pipelines;
using PromptToPrompt.Editing.Prompts;
using PromptToPrompt.Editing.Tests.Oracles;
using TorchSharp;
using static TorchSharp.torch;

namespace PromptToPrompt.Editing.Tests.Pipelines;

/// <summary>
/// Recorded runs of two steps on <c>tiny-sd21</c>: edits and a null-text inversion. The numbers are those of the straightforward implementations
/// in <c>Oracles</c>; see the README of <c>Fixtures/core</c>.
/// </summary>
public sealed class CoreGoldenTests(CoreGoldenTests.Fixture fixture) : IClassFixture<CoreGoldenTests.Fixture>, IDisposable
{
    private const string Source = "a red house in a field";
    private const int Steps = 2;
    private const int InnerSteps = 4;
    private const double Guidance = 7.5;

    private static readonly Dictionary<string, PlainEdit> Edits = new()
    {
        ["replace"] = new(Source, "a red castle in a field", new() { Alignment = AlignmentKind.Replace, SelfSteps = StepWindow.Always }),
        ["refine"] = new(Source, "a red house in a green field at night", new() { Alignment = AlignmentKind.Refine, SelfSteps = StepWindow.Always }),
        ["reweight"] = new(Source, Source, new() { Weights = [new("red", 4), new("field", -2)] }),
        ["blend"] = new(Source, "a red castle in a field", new() { SelfSteps = StepWindow.Until(0) }, ("house", "castle")),
    };

    private readonly DisposeScope scope = NewDisposeScope();

    public static TheoryData<string> Names => [.. Edits.Keys];

    [Theory]
    [MemberData(nameof(Names))]
    public void AnEditEndsAtTheRecordedLatents(string name)
    {
        var edit = Edits[name];
        using var golden = SafetensorsFile.Open(Fixture.Path);
        var source = new GenerationRequest
        {
            Prompt = edit.Source,
            Sampling = new() { Steps = Steps, Guidance = Guidance, Scheduler = SchedulerKind.Ddim },
            InitialLatents = golden.Read("noise"),
        };
        using var result = EditRun.Execute(fixture.Model, source, edit.Edit with
        {
            Prompts = [edit.Target],
            Blend = edit.BlendWord is { } words ? BlendWords.Parse($"{words.Source}:{words.Target}") : null,
            BlendThreshold = PlainEdit.BlendThreshold,
            BlendStart = 0,
        });
        AssertClose(golden.Read("source"), result.Latents.narrow(0, 0, 1), 1e-4, "source");
        AssertClose(golden.Read(name), result.Latents.narrow(0, 1, 1), 1e-4, name);
    }

    // Adam moves each element by about the learning rate of 0.01: the tolerance is a hundredth of that.
    [Fact]
    public void NullTextInversionFindsTheRecordedEmbeddings()
    {
        using var golden = SafetensorsFile.Open(Fixture.Path);
        using var found = InversionMethod.Invert(fixture.Model, golden.Read("picture"), new InversionSettings
        {
            Prompt = Source,
            Sampling = new() { Steps = Steps, Guidance = Guidance },
            Method = new NullTextInversion { InnerSteps = InnerSteps, EarlyStop = 0 },
        });
        AssertClose(golden.Read("trajectory"), found.Latents, 1e-4, "trajectory");
        var unconditional = golden.Read("unconditional");
        Assert.InRange((unconditional - found.Unconditional!.Text.view_as(unconditional)).abs().max().item<float>(), 0, 1e-4);
    }

    /// <summary>Writes the file again; to be run only when the definition of an edit changes on purpose.</summary>
    [Fact(Explicit = true)]
    public void WriteTheGolden()
    {
        var model = fixture.Model;
        var side = 16 * model.Shape.Vae.PixelsPerLatent;
        var noise = InitialNoise.FromSeed(model, 1, side, side);
        var tensors = new Dictionary<string, Tensor> { ["noise"] = noise, ["picture"] = InitialNoise.FromSeed(model, 2, side, side) * 0.5f };
        foreach (var (name, edit) in Edits)
        {
            var latents = edit.Run(model, noise, Steps, Guidance);
            tensors["source"] = latents.narrow(0, 0, 1).clone();
            tensors[name] = latents.narrow(0, 1, 1).clone();
            // An edit whose control changes next to nothing would prove nothing.
            var free = new EditRequest { CrossSteps = new CrossReplaceSteps(StepWindow.Until(0)), SelfSteps = StepWindow.Until(0) };
            AssertDiffers(tensors[name], (edit with { Edit = free, BlendWord = null }).Run(model, noise, Steps, Guidance).narrow(0, 1, 1), 1e-2);
        }

        using var inversion = new PlainNullText(model, Steps, Guidance);
        var (prompt, empty) = (TextConditioning.Encode(model, [model.Tokenizer.Tokenize(Source)]).Text, TextConditioning.EncodeNegative(model, "").Text);
        var trajectory = inversion.Invert(tensors["picture"], prompt);
        tensors["trajectory"] = cat(trajectory, 0);
        tensors["unconditional"] = cat(inversion.Optimize(trajectory, prompt, empty, InnerSteps, earlyStop: 0), 0);
        SafetensorsWriter.Write(SourcePath(), tensors);
    }

    public void Dispose() => scope.Dispose();

    private static string SourcePath([CallerFilePath] string here = "")
        => System.IO.Path.Combine(System.IO.Path.GetDirectoryName(here)!, "..", "Fixtures", "core", "golden.safetensors");

    /// <summary>The model, with the tokenizer of the embedded one: CLIP's vocabulary is not in the repository.</summary>
    public sealed class Fixture : IDisposable
    {
        public static string Path { get; } = System.IO.Path.Combine(AppContext.BaseDirectory, "Fixtures", "core", "golden.safetensors");

        public StableDiffusionModel Model { get; } = StableDiffusionModel.Load(
            System.IO.Path.Combine(AppContext.BaseDirectory, "Fixtures", "tiny-sd21"), options: new ModelLoadOptions { Tokenizer = EmbeddedModel.Folder() });

        public void Dispose() => Model.Dispose();
    }
}
