using PromptToPrompt.Diffusion;
using PromptToPrompt.Diffusion.Checkpoints;
using PromptToPrompt.Editing.Edits;
using PromptToPrompt.Editing.Inpainting;
using PromptToPrompt.Editing.Inversion;
using PromptToPrompt.Editing.Sessions;
using PromptToPrompt.Editing.Tests.Inversion;
using TorchSharp;
using static TorchSharp.torch;

namespace PromptToPrompt.Editing.Tests.Sessions;

/// <summary>A result owns what it shows: all of it can be read, and edited further, when everything it was made from is gone.</summary>
public sealed class EditResultTests(InvertedDrawings drawings) : IClassFixture<InvertedDrawings>, IDisposable
{
    private readonly DirectoryInfo folder = Directory.CreateTempSubdirectory("p2p-result-");
    private readonly DisposeScope scope = NewDisposeScope();

    // Without attention control an edit depends on its words, its noise and what it is guided away from, and on nothing else.
    private static readonly EditSpecification Free = new() { CrossSteps = new CrossReplaceSteps(StepWindow.Until(0)), SelfSteps = StepWindow.Until(0) };

    public static TheoryData<string> Methods => [.. InversionMethod.Names];

    [Theory]
    [InlineData("")]
    [InlineData("people in the rain")]
    public void EditsOfEditsKeepTheNegativePrompt(string negative)
    {
        var first = EditRun.Execute(drawings.Model, new EditRequest
        {
            Source = "a white house in a field",
            Negative = negative,
            Targets = ["a red house in a field"],
            Steps = 4,
            Guidance = 5,
            Seed = 4,
            Edit = Free,
            Trace = true,
        });
        AssertRetraced(first, depth: 3);
    }

    [Theory]
    [MemberData(nameof(Methods))]
    public void EditsOfEditsOfAPictureGoOnAsItsInversionDid(string method)
    {
        var inverted = InversionMethod.Invert(drawings.Model, drawings.Latents, InvertedDrawings.Settings(method));
        var first = EditRun.Execute(drawings.Model, EditRequest.ForPicture(inverted) with { Targets = ["a blue house in a field"], Edit = Free, Trace = true });
        inverted.Dispose();
        AssertRetraced(first, depth: 2);
    }

    [Theory]
    [MemberData(nameof(Methods))]
    public void AllOfItCanBeReadWhenWhatItWasMadeFromIsGone(string method)
    {
        EditResult edit;
        using (var inverted = InversionMethod.Invert(drawings.Model, drawings.Latents, InvertedDrawings.Settings(method)))
        using (var session = new EditSession(drawings.Model, EditRequest.ForPicture(inverted) with { WatchAttention = true, WatchSelfAttention = true }))
        {
            session.RunSource().Dispose();
            edit = session.Edit(request => request with
            {
                Targets = ["a (blue:1.5) house in a field"],
                Mask = drawings.Picture,
                Trace = true,
            });
        }

        using (edit)
        {
            edit.SaveTrace(PathOf("trace"));
            using var trace = SafetensorsFile.Open(PathOf("trace"));
            Assert.Equal(7, trace.Tensors["inversion.latents"].Shape[0]);
            Assert.Contains("blue ×1.5", edit.Caption(0), StringComparison.Ordinal);
            Assert.NotNull(edit.LastMask(0));
            Assert.NotNull(edit.Maps!.Mean(1));
            using var further = edit.AsSource(0);
            Assert.Equal("a blue house in a field", further.Settings.Prompt);
        }
    }

    [Fact]
    public void AnInpaintedPictureIsReadAfterItsRunToo()
    {
        var white = drawings.Picture with { Rgb = [.. Enumerable.Repeat(byte.MaxValue, drawings.Picture.Rgb.Length)] };
        using var filled = InpaintRun.Execute(drawings.Model, new InpaintRequest
        {
            Picture = drawings.Picture,
            Mask = white,
            Sampling = new EditRequest { Source = "a white house in a field", Negative = "people", Steps = 4, Trace = true },
            Strength = 0.5,
        });
        filled.Run.SaveTrace(PathOf("trace"));
        Assert.NotNull(filled.Run.LastMask(0));
        Assert.Equal("a white house in a field", filled.Run.Caption(0));
        // It began in the middle: its way from noise is not known.
        Assert.DoesNotContain("--", Assert.Throws<InvalidInputException>(() => filled.Run.AsSource(0)).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void ANegativePromptThatWouldNotCountIsRefused()
    {
        using var first = EditRun.Execute(drawings.Model, new EditRequest { Source = "a house", Negative = "people", Steps = 2, Trace = true });
        using var further = first.AsSource(0);
        var refused = Assert.Throws<InvalidInputException>(
            () => EditRun.Execute(drawings.Model, EditRequest.ForPicture(further) with { Targets = ["a red house"], Negative = "rain" }));
        Assert.Contains("negative prompt", refused.Message, StringComparison.Ordinal);
    }

    public void Dispose()
    {
        scope.Dispose();
        folder.Delete(recursive: true);
    }

    /// <summary>Edits the edit to its own words, again and again, each time with everything earlier disposed: it always comes out the same.</summary>
    private void AssertRetraced(EditResult first, int depth)
    {
        var expected = first.Latents.narrow(0, 1, 1).clone();
        var (edit, prompt) = (first, first.Prompts[1].Text);
        for (var level = 0; level < depth; level++)
        {
            var source = edit.AsSource(1);
            edit.Dispose();
            edit = EditRun.Execute(drawings.Model, EditRequest.ForPicture(source) with { Targets = [prompt], Edit = Free, Trace = true });
            source.Dispose();
            AssertClose(expected, edit.Latents.narrow(0, 0, 1), 1e-6, $"source at level {level}");
            AssertClose(expected, edit.Latents.narrow(0, 1, 1), 1e-4, $"edit at level {level}");
        }

        edit.Dispose();
    }

    private string PathOf(string name) => Path.Combine(folder.FullName, name);
}
