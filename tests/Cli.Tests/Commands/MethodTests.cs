using System.Text.Json;
using System.Text.Json.Nodes;
using PromptToPrompt.Diffusion.Images;

namespace PromptToPrompt.Cli.Tests.Commands;

/// <summary>The editing methods of <c>p2p edit</c> and <c>p2p grid</c>.</summary>
public sealed class MethodTests : IDisposable
{
    private static readonly string[] Prompts = ["a red ball in a field", "a blue ball in a field"];
    private readonly TemporaryFolder folder = new();

    [Theory]
    [InlineData("--share-start: It is an option of masactrl, and the editing method is p2p.", "--share-start", "0.5")]
    [InlineData("--share-start: It is an option of masactrl, and the editing method is p2p.", "--method", "p2p", "--share-start", "0.5")]
    [InlineData("--share-layer: 17 is out of range. Use a number from 0 to 16.", "--method", "masactrl", "--share-layer", "17")]
    [InlineData("--subject: \"tree\" is in none of the prompts.", "--method", "masactrl", "--subject", "tree")]
    [InlineData("--cross-steps: The editing method masactrl does not use it.", "--method", "masactrl", "--cross-steps", "0.5")]
    [InlineData("--weight: The editing method masactrl does not use it.", "--method", "masactrl", "--weight", "blue=2")]
    [InlineData("--method: uni-edit edits an inverted image, and there is none.", "--method", "uni-edit")]
    [InlineData("--method: turbo-edit edits an inverted image, and there is none.", "--method", "turbo-edit")]
    [InlineData("--pseudo-guidance: It is an option of turbo-edit, and the editing method is uni-edit.", "--method", "uni-edit", "--pseudo-guidance", "2")]
    [InlineData("--noise-shift is an inversion option, and there is no --image.", "--noise-shift", "1")]
    [InlineData("--method: infedit edits an inverted image, and there is none.", "--method", "infedit")]
    [InlineData("--self-part: It is an option of infedit, and the editing method is p2p.", "--self-part", "0.5")]
    [InlineData("--cross-part: 2 is out of range. Use a number from 0 to 1.", "--method", "infedit", "--cross-part", "2")]
    [InlineData("--self-steps: The editing method infedit does not use it.", "--method", "infedit", "--self-steps", "0.5")]
    [InlineData("--feature-steps: It is an option of pnp, and the editing method is masactrl.", "--method", "masactrl", "--feature-steps", "0.5")]
    [InlineData("--method: ledits++ edits an inverted image, and there is none.", "--method", "ledits++")]
    [InlineData("--concept: It is an option of ledits++, and the editing method is p2p.", "--concept", "hat")]
    [InlineData("--concept: \"hat=much\" is not a concept.", "--method", "ledits++", "--concept", "hat=much")]
    [InlineData("--concept: The scale of the concept \"hat\" is out of range.", "--method", "ledits++", "--concept", "hat=-2")]
    [InlineData("--warm-up: 2 is out of range. Use a number from 0 to 1.", "--method", "ledits++", "--warm-up", "2")]
    [InlineData("--method: \"masa\" is not valid. Did you mean masactrl? Use p2p,", "--method", "masa")]
    [InlineData("--method: \"direct+masctrl\" is not valid. Did you mean direct+masactrl? Use p2p,", "--method", "direct+masctrl")]
    [InlineData("--method: \"ledits+\" is not valid. Did you mean ledits++? Use p2p,", "--method", "ledits+")]
    [InlineData("--kind: \"repalce\" is not valid. Did you mean replace? Use auto,", "--kind", "repalce")]
    [InlineData("--scheduler: \"eluer\" is unknown. Did you mean euler? Use ddim,", "--scheduler", "eluer")]
    [InlineData("--spacing: \"trailling\" is not valid. Did you mean trailing? Use auto,", "--spacing", "trailling")]
    [InlineData("--dtype: \"bfloat\" is not valid. Did you mean bfloat16? Use float32,", "--dtype", "bfloat")]
    [InlineData("--device: \"cdua\" is not valid. Did you mean cuda? Use auto,", "--device", "cdua")]
    [InlineData("--device: \"gpu\" is not valid. Did you mean cuda? Use auto,", "--device", "gpu")]
    [InlineData("--device: \"GPU:1\" is not valid. Did you mean cuda? Use auto,", "--device", "GPU:1")]
    [InlineData("--frame: \"corp\" is not valid. Did you mean crop? Use crop,", "--frame", "corp")]
    [InlineData("--method: direct is an inversion method, and there is no --image. Give the image to invert with --image, or use --method pnp alone.", "--method", "direct+pnp")]
    [InlineData("--method: direct is an inversion method, and there is no --image. Give the image to invert with --image, or use an editing method (p2p, masactrl,", "--method", "direct")]
    public void WhatCannotBeCombinedIsOneError(string problem, params string[] options) =>
        Assert.StartsWith($"p2p: {problem}", Edit("refused", [.. Prompts, .. options]).FailedWith(2), StringComparison.Ordinal);

    [Theory]
    [InlineData("--columns method=foo: \"foo\" is not valid. Use p2p, masactrl,", "--columns", "method=p2p,foo")]
    [InlineData("--rows method=direct: direct is an inversion method, and there is no --image.", "--rows", "method=p2p,direct")]
    [InlineData("--columns method=uni-edit: uni-edit edits an inverted image, and there is none.", "--columns", "method=p2p,uni-edit")]
    [InlineData("--rows cross-steps=x: \"x\" is not a range of steps.", "--columns", "self-steps=0.1", "--rows", "cross-steps=0.1,x")]
    [InlineData("--columns: \"cros-steps\" cannot vary in a grid. Did you mean cross-steps? Use ", "--columns", "cros-steps=0,1")]
    [InlineData("--columns method=masctrl: \"masctrl\" is not valid. Did you mean masactrl? Use p2p,", "--columns", "method=p2p,masctrl")]
    [InlineData("--columns guidance=x: \"x\" is not valid. Use a number.", "--columns", "guidance=1,x")]
    [InlineData("--columns share-start=2: 2 is out of range.", "--method", "masactrl", "--columns", "share-start=0,2")]
    public void AValueOfAGridThatCannotBeUsedIsNamedAsItWasGiven(string problem, params string[] options) =>
        Assert.StartsWith($"p2p: {problem}", InProcess.Run(["grid", .. Prompts, "-o", folder["refused"], .. Fast, .. options]).FailedWith(2), StringComparison.Ordinal);

    [Fact]
    public void AMethodMakesOtherImagesAndItsRecordRepeatsIt()
    {
        string[] method = ["--method", "masactrl", "--share-start", "0", "--share-layer", "0"];
        Edit("p2p", Prompts).Succeeded();
        Edit("masactrl", [.. Prompts, .. method]).Succeeded();
        Assert.NotEqual(Image.Load(folder["p2p/edit-1.png"]).Rgb, Image.Load(folder["masactrl/edit-1.png"]).Rgb);

        using var record = JsonDocument.Parse(File.ReadAllText(folder["masactrl/run.json"]));
        var repeat = record.RootElement.GetProperty("repeat").EnumerateArray().Select(word => word.GetString()).ToList();
        Assert.All(method, word => Assert.Contains(word, repeat));
        Assert.Equal("masactrl", record.RootElement.GetProperty("options").GetProperty("method").GetString());
        Assert.Contains("identical to the recorded ones", InProcess.Run("run", folder["masactrl"], "-o", folder["again"]).Error, StringComparison.Ordinal);
    }

    [Fact]
    public void AnImageTakesBothMethods()
    {
        Edit("drawn", Prompts).Succeeded();
        string[] given = [.. Prompts, "--image", folder["drawn/source.png"]];
        Edit("both", [.. given, "--method", "ddim+masactrl"]).Succeeded();
        Edit("direct", [.. given, "--method", "direct+masactrl"]).Succeeded();
        Edit("editing", [.. given, "--method", "masactrl"]).Succeeded();
        Assert.NotEqual(Image.Load(folder["direct/edit-1.png"]).Rgb, Image.Load(folder["both/edit-1.png"]).Rgb);
        Assert.Equal(Image.Load(folder["direct/edit-1.png"]).Rgb, Image.Load(folder["editing/edit-1.png"]).Rgb);
    }

    [Fact]
    public void TheRegionsOfASubjectTakeLittleMemory()
    {
        string[] masked = [.. Prompts, "--method", "masactrl", "--subject", "ball", "--share-start", "0", "--share-layer", "0"];
        Edit("masked", masked).Succeeded();
        Edit("small", [.. masked, "--low-memory"]).Succeeded();
        Assert.Equal(Image.Load(folder["masked/edit-1.png"]).Rgb, Image.Load(folder["small/edit-1.png"]).Rgb);
    }

    [Fact]
    public void UniEditInvertsNoMoreThanItEdits()
    {
        Edit("drawn", Prompts).Succeeded();
        string[] given = ["edit", .. Prompts, "--image", folder["drawn/source.png"], "--steps", "4", "--quiet", "--model", TinyModel.Shared.Folder, "--method"];
        InProcess.Run([.. given, "uni-edit", "--edit-depth", "0.5", "-o", folder["half"]]).Succeeded();
        InProcess.Run([.. given, "uni-inv+uni-edit", "--edit-depth", "0.5", "--depth", "1", "-o", folder["whole"]]).Succeeded();
        Assert.Equal(Image.Load(folder["half/edit-1.png"]).Rgb, Image.Load(folder["whole/edit-1.png"]).Rgb);
        Assert.Contains("--edit-depth: 0.6 is more than", InProcess.Run([.. given, "uni-edit", "--depth", "0.5", "-o", folder["less"]]).FailedWith(2), StringComparison.Ordinal);
        Assert.Contains("cannot be combined with null-text", InProcess.Run([.. given, "null-text+uni-edit", "-o", folder["less"]]).FailedWith(2), StringComparison.Ordinal);
    }

    [Fact]
    public void ConceptsAreAddedAndRemovedWithoutATargetPrompt()
    {
        Edit("drawn", Prompts).Succeeded();
        string[] given = ["edit", Prompts[0], "--image", folder["drawn/source.png"], "--steps", "6", "--quiet", "--model", TinyModel.Shared.Folder];
        string[] concepts = ["--concept", "blue ball=6", "--concept=-red ball@0.1..0.9"];
        InProcess.Run([.. given, "--method", "ledits++", .. concepts, "-o", folder["concepts"]]).Succeeded();
        InProcess.Run([.. given, "--method", "ledits++", "--concept", "ball", "--concept-scale", "0", "-o", folder["none"]]).Succeeded();
        InProcess.Run([.. given, Prompts[1], "--method", "edit-friendly+ledits++", "--mask-quantile", "0.5", "--low-memory", "--second-order", "-o", folder["derived"]]).Succeeded();
        Assert.NotEqual(Image.Load(folder["drawn/source.png"]).Rgb, Image.Load(folder["concepts/edit-1.png"]).Rgb);
        Assert.NotEqual(Image.Load(folder["drawn/source.png"]).Rgb, Image.Load(folder["derived/edit-1.png"]).Rgb);
        Assert.Equal(Image.Load(folder["drawn/source.png"]).Rgb, Image.Load(folder["none/edit-1.png"]).Rgb);

        using var record = JsonDocument.Parse(File.ReadAllText(folder["concepts/run.json"]));
        var repeat = record.RootElement.GetProperty("repeat").EnumerateArray().Select(word => word.GetString()).ToList();
        Assert.Contains("blue ball=6", repeat);
        Assert.Contains("identical to the recorded ones", InProcess.Run("run", folder["concepts"], "-o", folder["again"]).Error, StringComparison.Ordinal);

        // A saved inversion has its prompt; the target prompt names the result.
        InProcess.Run("invert", folder["drawn/source.png"], Prompts[0], "--method", "edit-friendly", "--steps", "6", "--quiet", "--model", TinyModel.Shared.Folder, "-o", folder["saved.safetensors"]).Succeeded();
        InProcess.Run(["edit", "--inversion", folder["saved.safetensors"], Prompts[0], "--method", "ledits++", .. concepts, "--quiet", "--model", TinyModel.Shared.Folder, "-o", folder["saved"]]).Succeeded();
        Assert.Contains("cannot be combined with null-text", InProcess.Run([.. given, "--method", "null-text+ledits++", .. concepts, "-o", folder["refused"]]).FailedWith(2), StringComparison.Ordinal);
        Assert.Contains("Add at least one target prompt, or name with --concept", InProcess.Run([.. given, "--method", "ledits++", "-o", folder["refused"]]).FailedWith(2), StringComparison.Ordinal);
    }

    [Fact]
    public void EditsByConceptsThatWouldShowNothingOrTheSameAreNamed()
    {
        Edit("drawn", Prompts).Succeeded();
        string[] given = [Prompts[0], "--image", folder["drawn/source.png"], "--steps", "3", "--model", TinyModel.Shared.Folder, "--method", "ledits++"];
        const string Note = "note: ledits++ found nothing to add to or remove from \"a red ball in a field\" in \"the red ball in a field\"";
        var nothing = InProcess.Run(["edit", .. given, "the red ball in a field", Prompts[1], "-o", folder["nothing"]]);
        nothing.Succeeded();
        Assert.Equal(1, nothing.Error.Split('\n').Count(line => line.StartsWith("note: ledits++", StringComparison.Ordinal)));
        Assert.Contains(Note, nothing.Error, StringComparison.Ordinal);
        var grid = InProcess.Run(["grid", .. given, "the red ball in a field", "--columns", "warm-up=0,0.5", "-o", folder["grid"]]);
        grid.Succeeded();
        Assert.Contains(Note, grid.Error, StringComparison.Ordinal);

        string[] concepts = [.. given, .. Prompts, "--concept", "hat", "-o", folder["concepts"]];
        Assert.StartsWith("p2p: --concept: All edits have the same concepts, so that those of the 2 target prompts would be equal.", InProcess.Run(["edit", .. concepts]).FailedWith(2), StringComparison.Ordinal);
        InProcess.Run(["edit", .. concepts, "--blend", "red:red:blue"]).Succeeded();
    }

    [Fact]
    public void TurboEditInvertsWithItsOwnNoise()
    {
        Edit("drawn", Prompts).Succeeded();
        string[] steps = ["--steps", "5", "--quiet", "--model", TinyModel.Shared.Folder];
        string[] given = ["edit", .. Prompts, "--image", folder["drawn/source.png"], .. steps, "--method"];
        InProcess.Run([.. given, "turbo-edit", "-o", folder["usual"]]).Succeeded();
        InProcess.Run([.. given, "edit-friendly+turbo-edit", "--skip", "0.2", "--noise-shift", "1", "--noise-limit", "15.5", "--pseudo-guidance", "1.5", "-o", folder["written"]]).Succeeded();
        InProcess.Run([.. given, "turbo-edit", "--noise-shift", "0.5", "--low-memory", "-o", folder["other"]]).Succeeded();
        Assert.Equal(Image.Load(folder["usual/edit-1.png"]).Rgb, Image.Load(folder["written/edit-1.png"]).Rgb);
        Assert.NotEqual(Image.Load(folder["usual/edit-1.png"]).Rgb, Image.Load(folder["other/edit-1.png"]).Rgb);

        string[] invert = ["invert", folder["drawn/source.png"], Prompts[0], .. steps, "--method", "edit-friendly", "--skip", "0.2"];
        string[] edit = ["edit", Prompts[1], "--model", TinyModel.Shared.Folder, "--quiet", "--method", "turbo-edit"];
        InProcess.Run([.. invert, "--noise-shift", "1", "--noise-limit", "15.5", "-o", folder["shifted.safetensors"]]).Succeeded();
        InProcess.Run([.. edit, "--inversion", folder["shifted.safetensors"], "-o", folder["kept"]]).Succeeded();
        Assert.Equal(Image.Load(folder["usual/edit-1.png"]).Rgb, Image.Load(folder["kept/edit-1.png"]).Rgb);

        InProcess.Run([.. invert, "-o", folder["guided.safetensors"]]).Succeeded();
        var refused = InProcess.Run([.. edit, "--inversion", folder["guided.safetensors"], "-o", folder["refused"]]).FailedWith(2);
        Assert.StartsWith("p2p: --method: turbo-edit has no guidance, and the image is inverted with 3.5.", refused, StringComparison.Ordinal);
        Assert.Contains("cannot be combined with direct", InProcess.Run([.. given, "direct+turbo-edit", "-o", folder["refused"]]).FailedWith(2), StringComparison.Ordinal);
    }

    [Fact]
    public void InfEditNeedsNoInversion()
    {
        Edit("drawn", Prompts).Succeeded();
        string[] given = [.. Prompts, "--image", folder["drawn/source.png"], "--method"];
        Edit("infedit", [.. given, "infedit"]).Succeeded();
        Edit("both", [.. given, "virtual+infedit", "--cross-part", "0.7"]).Succeeded();
        Edit("free", [.. given, "infedit", "--cross-part", "0", "--self-part", "0"]).Succeeded();
        Edit("layout", [.. given, "infedit", "--cross-part", "1", "--self-part", "0"]).Succeeded();
        var edits = new[] { "infedit", "both", "free", "layout" }.Select(name => Image.Load(folder[$"{name}/edit-1.png"])).ToList();
        Assert.Equal(edits[0].Rgb, edits[1].Rgb);
        Assert.NotEqual(edits[0].Rgb, edits[2].Rgb);
        Assert.NotEqual(edits[2].Rgb, edits[3].Rgb);
        Edit("small", [.. given, "infedit", "--low-memory"]).Succeeded();
        Assert.True(edits[0].Psnr(Image.Load(folder["small/edit-1.png"])) > 45);

        Edit("layout-small", [.. given, "infedit", "--cross-part", "1", "--self-part", "0", "--low-memory"]).Succeeded();
        Assert.Equal(edits[3].Rgb, Image.Load(folder["layout-small/edit-1.png"]).Rgb);
        Assert.Contains("cannot be combined with direct", Edit("refused", [.. given, "direct+infedit"]).FailedWith(2), StringComparison.Ordinal);
        Assert.Contains("does not use", Edit("refused", [.. given, "infedit", "--weight", "blue=2"]).FailedWith(2), StringComparison.Ordinal);
        InProcess.Run(["grid", .. Prompts, "--image", folder["drawn/source.png"], "--columns", "method=virtual+p2p,infedit,uni-edit", .. Fast, "-o", folder["grid"]]).Succeeded();
    }

    [Fact]
    [Trait("Category", "Process")]
    public void ALayoutBranchFitsOrIsRefusedWithWhatWouldFit()
    {
        Edit("drawn", Prompts).Succeeded();
        string[] run = ["edit", .. Prompts, "--image", folder["drawn/source.png"], "--method", "infedit", "--self-part", "0", "--steps", "2", "--quiet", "--model", EmbeddedModel.Folder()];
        var fits = Small("0x3800000", "128x128");
        fits.Succeeded();
        Assert.Contains("using --low-memory", fits.Error, StringComparison.Ordinal);
        Assert.EndsWith("Use a smaller size or bfloat16. Or make --self-part at least as large as --cross-part: the rows of a step can then be computed one after another, which fits.", Small("0x5000000", "192x192").FailedWith(2), StringComparison.Ordinal);

        // A machine with less memory, as the program sees it.
        Outcome Small(string memory, string size) => P2P.RunIn(new Dictionary<string, string> { ["DOTNET_GCHeapHardLimit"] = memory }, [.. run, "--size", size, "-o", folder[size]]);
    }

    [Fact]
    public void AModelThatTakesGuidanceEditsAnImageInFourSteps()
    {
        using var distilled = TinyModel.Distilled();
        string[] run = ["--steps", "4", "--quiet", "--model", distilled.Folder];
        Edit("drawn", Prompts).Succeeded();
        foreach (var method in new[] { "infedit", "virtual" })
            InProcess.Run(["edit", .. Prompts, "--image", folder["drawn/source.png"], "--method", method, "--guidance", "2", "-o", folder[method], .. run]).Succeeded();
        Assert.NotEqual(Image.Load(folder["infedit/edit-1.png"]).Rgb, Image.Load(folder["virtual/edit-1.png"]).Rgb);
        InProcess.Run(["invert", folder["drawn/source.png"], Prompts[0], "--method", "virtual", "-o", folder["kept.safetensors"], .. run]).Succeeded();
        InProcess.Run(["edit", Prompts[1], "--inversion", folder["kept.safetensors"], "--method", "infedit", "-o", folder["again"], "--quiet", "--model", distilled.Folder]).Succeeded();
        var refused = InProcess.Run(["edit", .. Prompts, "--image", folder["drawn/source.png"], "--method", "direct", "-o", folder["none"], .. run]).FailedWith(2);
        Assert.Contains("cannot invert images by direct. Use the model it was distilled from, or the method virtual.", refused, StringComparison.Ordinal);
    }

    [Fact]
    public void AGridComparesMethods()
    {
        string[] grid = ["grid", .. Prompts, "--columns", "method=p2p,masactrl", .. Fast];
        InProcess.Run([.. grid, "-o", folder["grid"]]).Succeeded();
        Edit("masactrl", [.. Prompts, "--method", "masactrl"]).Succeeded();
        // One batch and a recorded source round differently.
        Assert.True(Image.Load(folder["masactrl/edit-1.png"]).Psnr(Image.Load(folder["grid/row-1-column-2.png"])) > 45);

        string[] inversions = ["grid", .. Prompts, "--columns", "method=direct,ddim", .. Fast];
        Assert.Contains("direct is an inversion method, and there is no --image", InProcess.Run([.. inversions, "-o", folder["inversions"]]).FailedWith(2), StringComparison.Ordinal);
    }

    [Fact]
    public void InAGridOfAGivenImageEachMethodHasTheInversionThatSuitsIt()
    {
        Edit("drawn", Prompts).Succeeded();
        string[] given = [.. Prompts, "--image", folder["drawn/source.png"], "--steps", "5", "--quiet", "--model", TinyModel.Shared.Folder];
        InProcess.Run(["grid", .. given, "--columns", "method=p2p,masactrl,uni-edit,turbo-edit,ddim+p2p", "-o", folder["grid"]]).Succeeded();
        Assert.Equal(
            ["grid.png", "row-1-column-1.png", "row-1-column-2.png", "row-1-column-3.png", "row-1-column-4.png", "row-1-column-5.png", "source.png"],
            Directory.GetFiles(folder["grid"], "*.png").Select(Path.GetFileName).Order(StringComparer.Ordinal));
        foreach (var (column, method) in new[] { "direct+p2p", "direct+masactrl", "uni-inv+uni-edit", "edit-friendly+turbo-edit", "ddim+p2p" }.Index())
        {
            InProcess.Run(["edit", .. given, "--method", method, "-o", folder[method]]).Succeeded();
            Assert.InRange(Image.Load(folder[$"{method}/edit-1.png"]).Psnr(Image.Load(folder[$"grid/row-1-column-{column + 1}.png"])), 45, double.PositiveInfinity);
        }

        var record = JsonNode.Parse(File.ReadAllText(folder["grid/run.json"]))!;
        Assert.Equal(4, record["inversions"]!.AsArray().Count);

        // A file has one inversion.
        InProcess.Run(["invert", folder["drawn/source.png"], Prompts[0], "--steps", "5", "--quiet", "--model", TinyModel.Shared.Folder, "--method", "direct", "-o", folder["one.safetensors"]]).Succeeded();
        InProcess.Run(["grid", Prompts[1], "--inversion", folder["one.safetensors"], "--columns", "method=masactrl,uni-edit", "--quiet", "--model", TinyModel.Shared.Folder, "-o", folder["saved"]]).Succeeded();
        record = JsonNode.Parse(File.ReadAllText(folder["saved/run.json"]))!;
        Assert.Equal((true, false, true), (record["inversion"] is not null, record.AsObject().ContainsKey("inversions"), record["timesteps"] is not null));
    }

    public void Dispose() => folder.Dispose();

    private static string[] Fast => ["--steps", "2", "--quiet", "--model", TinyModel.Shared.Folder];

    private Outcome Edit(string name, params string[] arguments) => InProcess.Run(["edit", .. arguments, "-o", folder[name], .. Fast]);
}
