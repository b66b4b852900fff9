namespace PromptToPrompt.Cli.Tests.Runs;

/// <summary>Options that have no effect on a run are refused or noted.</summary>
public sealed class UnusedOptionsTests : IDisposable
{
    private const string Prompt = "a red ball in a field";

    private readonly TemporaryFolder folder = new();

    public UnusedOptionsTests() => Photograph.Draw(64, 64).SavePng(folder["photo.png"]);

    [Theory]
    [InlineData("--inner-steps: It is an option of null-text, and the inversion method is direct. Invert with --method null-text, or leave it out.", "--method", "direct", "--inner-steps", "3")]
    [InlineData("--early-stop: It is an option of null-text,", "--method", "direct", "--early-stop", "1e-5")]
    [InlineData("--learning-rate: It is an option of null-text,", "--method", "ddim", "--learning-rate", "0.1")]
    [InlineData("--save-memory: It is an option of null-text,", "--method", "ddim", "--save-memory")]
    [InlineData("--skip: It is an option of edit-friendly, and the inversion method is null-text.", "--skip", "0.2")]
    [InlineData("--noise-shift: It is an option of edit-friendly,", "--method", "uni-inv", "--noise-shift", "1")]
    [InlineData("--noise-limit: It is an option of edit-friendly,", "--method", "direct", "--noise-limit", "15")]
    [InlineData("--second-order: It is an option of edit-friendly,", "--method", "direct", "--second-order")]
    [InlineData("--depth: It is an option of uni-inv,", "--method", "direct", "--depth", "0.5")]
    [InlineData("--gamma: It is an option of bdia,", "--method", "direct", "--gamma", "0.5")]
    [InlineData("--proximal-quantile: It is an option of proximal,", "--method", "direct", "--proximal-quantile", "0.5")]
    public void AnOptionOfAnotherInversionIsRefused(string problem, params string[] options)
    {
        string[] edit = ["edit", Prompt, "a blue ball in a field", "--image", folder["photo.png"], "-o", folder["out"]];
        string[] invert = ["invert", folder["photo.png"], Prompt, "-o", folder["photo.safetensors"]];
        string[] grid = ["grid", Prompt, "--image", folder["photo.png"], "--columns", "self-steps=0,1", "-o", folder["out"]];
        foreach (var command in new[] { edit, invert, grid })
        {
            // A grid without editing method inverts by the same default.
            Assert.StartsWith($"p2p: {problem}", InProcess.Run([.. command, "--model", TinyModel.Shared.Folder, .. options]).FailedWith(2), StringComparison.Ordinal);
        }
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
    public void ASamplingOptionWithoutEffectIsNoted(string note, params string[] run)
    {
        var outcome = InProcess.Run([
            .. run.Select(word => word == "PHOTO" ? folder["photo.png"] : word), "--steps", "2", "--size", "64x64", "--model", TinyModel.Shared.Folder, "-o", folder["out"]]);
        outcome.Succeeded();
        Assert.Equal([note], outcome.Error.Split('\n').Where(line => line.Contains("no effect", StringComparison.Ordinal)));
    }

    [Theory]
    [InlineData("edit", Prompt, "a blue ball", "--guidance", "5", "--negative", "fog", "--guidance-rescale", "0.5")]
    [InlineData("grid", Prompt, "a blue ball", "--negative", "fog", "--columns", "guidance=1,5")]
    [InlineData("grid", Prompt, "a blue ball", "--image", "PHOTO", "--guidance", "5", "--columns", "method=direct,uni-edit")]
    public void AnOptionWithAnEffectIsNotNoted(params string[] run)
    {
        var outcome = InProcess.Run([
            .. run.Select(word => word == "PHOTO" ? folder["photo.png"] : word), "--steps", "2", "--size", "64x64", "--model", TinyModel.Shared.Folder, "-o", folder["out"]]);
        outcome.Succeeded();
        Assert.DoesNotContain("no effect", outcome.Error, StringComparison.Ordinal);
    }

    public void Dispose() => folder.Dispose();
}
