namespace PromptToPrompt.Cli.Tests.Runs;

/// <summary>Options that have no effect on a run are noted.</summary>
public sealed class UnusedOptionsTests : IDisposable
{
    private const string Prompt = "a red ball in a field";

    private readonly TemporaryFolder folder = new();

    public UnusedOptionsTests() => Photograph.Draw(64, 64).SavePng(folder["photo.png"]);

    [Theory]
    [InlineData("--inner-steps has no effect: it is an option of null-text, and the inversion method is direct", "--method", "direct", "--inner-steps", "3")]
    [InlineData("--early-stop has no effect: it is an option of null-text,", "--method", "direct", "--early-stop", "1e-5")]
    [InlineData("--save-memory has no effect: it is an option of null-text,", "--method", "ddim", "--save-memory")]
    [InlineData("--skip has no effect: it is an option of edit-friendly, and the inversion method is direct", "--method", "direct", "--skip", "0.2")]
    [InlineData("--depth has no effect: it is an option of uni-inv,", "--method", "direct", "--depth", "0.5")]
    [InlineData("--gamma has no effect: it is an option of bdia,", "--method", "direct", "--gamma", "0.5")]
    [InlineData("--proximal-quantile has no effect: it is an option of proximal,", "--method", "direct", "--proximal-quantile", "0.5")]
    public void AnOptionOfAnotherInversionIsNoted(string note, params string[] options)
    {
        string[] edit = ["edit", Prompt, "a blue ball in a field", "--image", folder["photo.png"], "-o", folder["edit"]];
        string[] invert = ["invert", folder["photo.png"], Prompt, "-o", folder["photo.safetensors"]];
        string[] grid = ["grid", Prompt, "--image", folder["photo.png"], "--columns", "self-steps=0,1", "-o", folder["grid"]];
        foreach (var command in new[] { edit, invert, grid })
        {
            string[] run = [.. command, "--steps", "2", "--size", "64x64", "--model", TinyModel.Shared.Folder, .. options];
            var outcome = InProcess.Run(run);
            outcome.Succeeded();
            Assert.StartsWith($"note: {note}", Assert.Single(NotesOf(outcome.Error)), StringComparison.Ordinal);
            Assert.Empty(NotesOf(InProcess.Run([.. run, "--overwrite", "--quiet"]).Error));
        }
    }

    [Fact]
    public void EachOptionOfAnotherInversionHasANote()
    {
        var outcome = InProcess.Run([
            "invert", folder["photo.png"], Prompt, "-o", folder["photo.safetensors"], "--steps", "2", "--size", "64x64", "--model", TinyModel.Shared.Folder, "--method", "direct",
            "--inner-steps", "3", "--learning-rate", "0.1", "--noise-shift", "1", "--noise-limit", "15", "--second-order"]);
        outcome.Succeeded();
        Assert.Equal(["--inner-steps", "--learning-rate", "--noise-shift", "--noise-limit", "--second-order"], NotesOf(outcome.Error).Select(note => note.Split(' ')[1]));
    }

    [Fact]
    public void ARecordedRunWithAnOptionWithoutEffectIsRepeated()
    {
        InProcess.Run([
            "edit", Prompt, "a blue ball in a field", "--image", folder["photo.png"], "--method", "direct", "--inner-steps", "3", "--blend-threshold", "0.4", "--steps", "2", "--size", "64x64",
            "--quiet", "--model", TinyModel.Shared.Folder, "-o", folder["out"]]).Succeeded();
        InProcess.Run(["run", Path.Combine(folder["out"], "run.json"), "-o", folder["again"]]).Succeeded();
    }

    [Fact]
    public void AnOptionOfTheInversionOfOneCellIsAllowed() => InProcess.Run([
        "grid", Prompt, "a blue ball in a field", "--image", folder["photo.png"], "--columns", "method=direct,edit-friendly", "--skip", "0.4", "--steps", "3", "--size", "64x64", "--quiet",
        "--model", TinyModel.Shared.Folder, "-o", folder["out"]]).Succeeded();

    [Theory]
    [InlineData("note: --guidance has no effect: the editing method uni-edit does not use it", "edit", Prompt, "a blue ball", "--image", "PHOTO", "--method", "uni-edit", "--guidance", "5")]
    [InlineData("note: --guidance has no effect: the editing method uni-edit does not use it", "grid", Prompt, "a blue ball", "--image", "PHOTO", "--method", "uni-edit", "--guidance", "5", "--columns", "strength=1,2")]
    [InlineData("note: --negative has no effect: guidance 1 turns guidance off", "generate", Prompt, "--negative", "fog", "--guidance", "1")]
    [InlineData("note: --guidance-rescale has no effect: guidance 1 turns guidance off", "generate", Prompt, "--guidance-rescale", "0.7", "--guidance", "1")]
    [InlineData("note: --original-size has no effect: only SDXL models read it", "generate", Prompt, "--original-size", "64x64")]
    [InlineData("note: --crop has no effect: only SDXL models read it", "edit", Prompt, "a blue ball", "--crop", "1,1")]
    [InlineData("note: --target-size has no effect: only SDXL models read it", "generate", Prompt, "--target-size", "64x64")]
    [InlineData("note: --blend-threshold has no effect: there is no --blend", "edit", Prompt, "a blue ball", "--blend-threshold", "0.3")]
    [InlineData("note: --blend-threshold has no effect: there is no --blend", "edit", Prompt, "a blue ball", "--blend-threshold", "0.5", "--blend-subtract", "ball")]
    [InlineData("note: --blend-threshold has no effect: there is no --blend", "grid", Prompt, "a blue ball", "--columns", "blend-threshold=0.3,0.5")]
    [InlineData("note: --blend-subtract-threshold has no effect: there is no --blend-subtract", "edit", Prompt, "a blue ball", "--blend-subtract-threshold", "0.5", "--blend", "ball")]
    [InlineData("note: --blend-start has no effect: there is no --blend, --blend-subtract or --mask", "edit", Prompt, "a blue ball", "--blend-start", "0.5")]
    [InlineData("note: --edit-noise has no effect: there is no --edit-seed", "edit", Prompt, "a blue ball", "--edit-noise", "1")]
    [InlineData("note: --subject-threshold has no effect: there is no --subject", "edit", Prompt, "a blue ball", "--subject-threshold", "0.5", "--method", "masactrl")]
    public void AnOptionWithoutEffectIsNoted(string note, params string[] run)
    {
        var outcome = InProcess.Run([
            .. run.Select(word => word == "PHOTO" ? folder["photo.png"] : word), "--steps", "2", "--size", "64x64", "--model", TinyModel.Shared.Folder, "-o", folder["out"]]);
        outcome.Succeeded();
        Assert.Equal([note], NotesOf(outcome.Error));
    }

    [Theory]
    [InlineData("edit", Prompt, "a blue ball", "--guidance", "5", "--negative", "fog", "--guidance-rescale", "0.5")]
    [InlineData("grid", Prompt, "a blue ball", "--negative", "fog", "--columns", "guidance=1,5")]
    [InlineData("grid", Prompt, "a blue ball", "--blend-threshold", "0.4", "--columns", "blend=ball,field")]
    [InlineData("grid", Prompt, "a blue ball", "--image", "PHOTO", "--guidance", "5", "--columns", "method=direct,uni-edit")]
    public void AnOptionWithAnEffectIsNotNoted(params string[] run)
    {
        var outcome = InProcess.Run([
            .. run.Select(word => word == "PHOTO" ? folder["photo.png"] : word), "--steps", "2", "--size", "64x64", "--model", TinyModel.Shared.Folder, "-o", folder["out"]]);
        outcome.Succeeded();
        Assert.Empty(NotesOf(outcome.Error));
    }

    private static IEnumerable<string> NotesOf(string error) => error.Split('\n').Where(line => line.Contains("no effect", StringComparison.Ordinal));

    public void Dispose() => folder.Dispose();
}
