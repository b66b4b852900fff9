using System.Text.Json;
using PromptToPrompt.Diffusion.Images;
using PromptToPrompt.Diffusion.Storage.Weights;
using SkiaSharp;

namespace PromptToPrompt.Cli.Tests.Commands;

[Trait("Category", "Slow")]
public sealed class InvertCommandTests : IDisposable
{
    private const string Prompt = "a red ball in a field";
    private static readonly string[] Fast = ["--steps", "3", "--inner-steps", "2", "--size", "64x64", "--quiet", "--model", TinyModel.Shared.Folder];
    private readonly TemporaryFolder folder = new();

    [Fact]
    public void AnInversionServesEditsAtTheImagesOwnSize()
    {
        var image = Draw("ball.png", 90, 70);
        string[] invert = ["invert", image, Prompt, "-o", folder["ball.safetensors"], "--trace", folder["inversion.trace.safetensors"], .. Fast];
        InProcess.Run(invert).Succeeded();
        Assert.True(File.Exists(folder["ball.inversion.png"]) && File.Exists(folder["ball.loss.png"]) && File.Exists(folder["ball.run.json"]));
        Assert.False(File.Exists(folder["ball.safetensors.unfinished"]));
        // The same command makes the same file again; another one does not replace it.
        InProcess.Run(invert).Succeeded();
        Assert.Contains("--overwrite", InProcess.Run([.. invert, "--guidance", "3"]).FailedWith(2));

        string[] edit = ["a blue ball in a field", "--quiet", "--model", TinyModel.Shared.Folder, "--trace", folder["trace.safetensors"]];
        InProcess.Run(["edit", "--inversion", folder["ball.safetensors"], "-o", folder["saved"], .. edit]).Succeeded();
        Assert.Equal(
            ["edit-1.png", "grid.png", "reconstruction.png", "run.json", "source.png"],
            Directory.GetFiles(folder["saved"]).Select(Path.GetFileName).Order(StringComparer.Ordinal));
        using var edited = SKBitmap.Decode(Path.Combine(folder["saved"], "edit-1.png"));
        Assert.Equal((90, 70), (edited.Width, edited.Height));
        using var trace = SafetensorsFile.Open(folder["trace.safetensors"]);
        Assert.Equal(4, trace.Tensors["inversion.latents"].Shape[0]);
        Assert.Equal([3, 77], trace.Tensors["inversion.uncond"].Shape[..2]);
        Assert.Equal([3], trace.Tensors["inversion.iterations"].Shape);
        using (var own = SafetensorsFile.Open(folder["inversion.trace.safetensors"]))
        {
            foreach (var name in trace.Tensors.Keys.Where(name => name.StartsWith("inversion.", StringComparison.Ordinal)).Append("timesteps"))
            {
                using var one = trace.Read(name);
                using var other = own.Read(name);
                Assert.True(one.Equals(other), name);
            }
        }

        // The same in one command. It writes a trace too, since a run that is looked at rounds otherwise.
        InProcess.Run(["edit", Prompt, "a blue ball in a field", "--image", image, "-o", folder["at once"], "--trace", folder["again.safetensors"], .. Fast]).Succeeded();
        Assert.Equal(Image.Load(Path.Combine(folder["saved"], "edit-1.png")).Rgb, Image.Load(Path.Combine(folder["at once"], "edit-1.png")).Rgb);
        using var record = JsonDocument.Parse(Bytes("at once", "run.json"));
        Assert.True(record.RootElement.GetProperty("inversion").GetProperty("psnr").GetDouble() > 0);
    }

    [Fact]
    public void CroppingAWideImageGivesANote()
    {
        string[] edit = ["edit", Prompt, "a blue ball in a field", "--image", Draw("wide.png", 120, 60), "--method", "direct", "--steps", "2", "--size", "64x64", "--model", TinyModel.Shared.Folder, "-o", folder["out"]];
        Assert.Contains("--frame fit", InProcess.Run(edit).Error);
        Assert.DoesNotContain("--frame fit", InProcess.Run([.. edit, "--frame", "crop"]).Error);
    }

    [Theory]
    [InlineData("ddim")]
    [InlineData("negative-prompt")]
    [InlineData("proximal")]
    [InlineData("direct")]
    [InlineData("bdia")]
    [InlineData("edit-friendly")]
    [InlineData("virtual")]
    [InlineData("uni-inv")]
    public void EveryMethodEdits(string method)
    {
        InProcess.Run(["edit", Prompt, "a blue ball in a field", "--image", Draw("ball.png", 64, 64), "--method", method, "--attention", "-o", folder["out"], .. Fast]).Succeeded();
        Assert.True(File.Exists(Path.Combine(folder["out"], "edit-1.png")));
    }

    [Fact]
    [Trait("Category", "Process")]
    public void AStoppedInversionResumes()
    {
        string[] arguments = ["invert", Draw("ball.png", 64, 64), Prompt, "-o", folder["ball.safetensors"], "--model", TinyModel.Shared.Folder, "--size", "64x64", "--steps", "12", "--inner-steps"];
        var stopped = P2P.RunAndInterruptAtFile(folder["ball.safetensors.unfinished"], [.. arguments, "20", "--early-stop", "0"]);
        Assert.Equal(130, stopped.ExitCode);
        Assert.Contains("to resume", stopped.Error);
        Assert.False(File.Exists(folder["ball.safetensors"]));
        Assert.True(File.Exists(folder["ball.safetensors.unfinished"]));
        // With other settings it starts over and says so.
        var other = InProcess.Run([.. arguments, "1"]);
        other.Succeeded();
        Assert.Contains("starts from the beginning", other.Error);
    }

    [Fact]
    [Trait("Category", "Process")]
    public void AStoppedInversionOfWhichNothingIsKeptSaysSo()
    {
        // The warning of a prompt that is too long comes just before the inversion.
        var outcome = P2P.RunAndInterruptAt(
            "were cut off", "invert", Draw("ball.png", 64, 64), string.Concat(Enumerable.Repeat("ball ", 80)), "-o", folder["ball.safetensors"],
            "--model", TinyModel.Shared.Folder, "--method", "edit-friendly", "--steps", "900");
        Assert.Equal(130, outcome.ExitCode);
        Assert.Contains("starts over", outcome.Error);
    }

    [Fact]
    public void AFileThatDoesNotFitIsRefused()
    {
        var image = Draw("ball.png", 64, 64);
        InProcess.Run(["invert", image, Prompt, "-o", folder["ball.safetensors"], "--method", "ddim", .. Fast]).Succeeded();
        string[] edit = ["edit", "a blue ball in a field", "-o", folder["out"], "--model", TinyModel.Shared.Folder, "--inversion"];
        Assert.Contains("cut.safetensors", InProcess.Run([.. edit, Changed("cut.safetensors", bytes => bytes[..^50])]).FailedWith(2));
        Assert.Contains("is not an inversion", InProcess.Run([.. edit, Path.Combine(TinyModel.Shared.Folder, "vae", "diffusion_pytorch_model.safetensors")]).FailedWith(2));
        Assert.Contains("--steps", InProcess.Run([.. edit, folder["ball.safetensors"], "--steps", "7"]).FailedWith(2));
        Assert.Contains("a different model", InProcess.Run(["edit", "a blue ball in a field", "-o", folder["out"], "--inversion", folder["ball.safetensors"], "--model", OtherModel()]).FailedWith(2));
        Assert.Contains("--image", InProcess.Run(["edit", Prompt, "a blue ball", "--image", folder["none.png"], "-o", folder["out"]]).FailedWith(2));
        Assert.Contains("--method", InProcess.Run([.. edit, folder["ball.safetensors"], "--method", "direct"]).FailedWith(2));
        Assert.Contains("--early-stop", InProcess.Run(["edit", Prompt, "a blue ball", "--early-stop", "1", "-o", folder["out"]]).FailedWith(2));
        Assert.Contains("has the name of a picture", InProcess.Run(["invert", image, Prompt, "-o", image]).FailedWith(2));
        Assert.Contains("--output: ", InProcess.Run(["edit", Prompt, "a blue ball", "--image", image, "--overwrite", "-o", folder.Path]).FailedWith(2));
        Assert.Contains("100", InProcess.Run(["invert", image, Prompt, "-o", folder["x.safetensors"], "--steps", "150"]).FailedWith(2));
        // Before the inversion, which would take its time.
        Assert.Contains("zebra", InProcess.Run(["edit", Prompt, "a blue ball", "--image", image, "-o", folder["out"], "--blend", "zebra", "--steps", "100", "--inner-steps", "1000", "--early-stop", "0"]).FailedWith(2));
        Assert.Contains("null-text", InProcess.Run(["invert", image, Prompt, "--method", "magic", "-o", folder["x.safetensors"]]).FailedWith(2));
        Assert.False(Directory.Exists(folder["out"]));
    }

    // The picture is cropped to its middle; of a mask that is white at the left alone nothing is left there.
    [Fact]
    public void AMaskIsFramedAsTheImageIs()
    {
        string[] edit = ["edit", Prompt, "a blue ball in a field", "--image", Draw("ball.png", 128, 64), "-o", folder["out"], "--method", "direct", "--mask"];
        Assert.Contains("black", InProcess.Run([.. edit, DrawMask("left.png", 128, 64, 0, 30), .. Fast]).FailedWith(2));
        Assert.Contains("64x64", InProcess.Run([.. edit, DrawMask("small.png", 64, 64, 0, 30), .. Fast]).FailedWith(2));
        // Before the inversion, which stops at once here.
        var stopped = new CancellationToken(canceled: true);
        Assert.Contains("black", InProcess.Run(stopped, [.. edit, folder["left.png"], .. Fast]).FailedWith(2));
        Assert.Contains("64x64", InProcess.Run(stopped, [.. edit, folder["small.png"], .. Fast]).FailedWith(2));
        InProcess.Run([.. edit, DrawMask("middle.png", 128, 64, 32, 64), "--trace", folder["trace.safetensors"], .. Fast]).Succeeded();
        using var trace = SafetensorsFile.Open(folder["trace.safetensors"]);
        var side = trace.Tensors["blend.mask"].Shape[^1];
        using var mask = trace.Read("blend.mask");
        using var row = mask[^1, ^1, side / 2].to_type(TorchSharp.torch.ScalarType.Int64);
        Assert.Equal(Enumerable.Range(0, (int)side).Select(x => x < side / 2 ? 1L : 0L), row.data<long>().ToArray());
    }

    public void Dispose() => folder.Dispose();

    private string DrawMask(string name, int width, int height, int left, int right)
    {
        using var bitmap = new SKBitmap(width, height);
        using var canvas = new SKCanvas(bitmap);
        using var white = new SKPaint { Color = SKColors.White };
        canvas.Clear(SKColors.Black);
        canvas.DrawRect(SKRect.Create(left, 0, right - left, height), white);
        return Save(bitmap, name);
    }

    private byte[] Bytes(string run, string name) => File.ReadAllBytes(Path.Combine(folder[run], name));

    private string Changed(string name, Func<byte[], byte[]> change)
    {
        File.WriteAllBytes(folder[name], change(File.ReadAllBytes(folder["ball.safetensors"])));
        return folder[name];
    }

    // The embedded model with one more character in a config is another model.
    private string OtherModel()
    {
        var model = folder.Copy(TinyModel.Shared.Folder, "other");
        File.AppendAllText(Path.Combine(model, "scheduler", "scheduler_config.json"), " ");
        return model;
    }

    private string Draw(string name, int width, int height)
    {
        using var bitmap = new SKBitmap(width, height);
        using var canvas = new SKCanvas(bitmap);
        using var red = new SKPaint { Color = SKColors.Red };
        canvas.Clear(SKColors.ForestGreen);
        canvas.DrawCircle(width / 2f, height / 2f, height / 4f, red);
        return Save(bitmap, name);
    }

    private string Save(SKBitmap bitmap, string name)
    {
        using var data = bitmap.Encode(SKEncodedImageFormat.Png, 100);
        File.WriteAllBytes(folder[name], data.ToArray());
        return folder[name];
    }
}
