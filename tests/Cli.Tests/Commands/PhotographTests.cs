using PromptToPrompt.Diffusion.Images;
using PromptToPrompt.Diffusion.Storage.Weights;

namespace PromptToPrompt.Cli.Tests.Commands;

/// <summary>A photograph that is much larger than the model's images comes back at its size, and sharp where an edit changes nothing.</summary>
[Trait("Category", "Slow")]
public sealed class PhotographTests : IDisposable
{
    private const string Target = "a red house in a field";
    private static readonly string[] Fast = ["--method", "direct", "--steps", "8", "--guidance", "5", "--quiet"];

    private readonly TemporaryFolder folder = new();
    private readonly Image photo = Photograph.Draw(1600, 1200);

    public PhotographTests()
    {
        EmbeddedModel.Folder();
        photo.SavePng(folder["photo.png"]);
    }

    public void Dispose() => folder.Dispose();

    [Fact]
    public void AnEditKeepsThePixelsThatItDoesNotChange()
    {
        InProcess.Run(["edit", Photograph.Prompt, Target, "--image", folder["photo.png"], "-o", folder["out"], .. Fast]).Succeeded();

        Assert.Equal(photo.Rgb, Load("out", "source").Rgb);
        Assert.Equal(photo.Size, Load("out", "reconstruction").Size);
        var edit = Load("out", "edit-1");
        Assert.Equal(photo.Size, edit.Size);
        // The door of the house is in the middle of the crop.
        Assert.NotEqual(photo.Rgb[At(800, 700)], edit.Rgb[At(800, 700)]);
        // The model sees the middle 1200×1200; towards its borders the edit fades out.
        foreach (var x in (int[])[0, 199, 200, 1399, 1400, 1599])
            Assert.InRange(Enumerable.Range(0, 1200).Max(y => Math.Abs(photo.Rgb[At(x, y)] - edit.Rgb[At(x, y)])), 0, 1);
        Assert.InRange(Unchanged(edit), 0.25, 0.95);
        Assert.InRange(SteepestSkyStep(edit), 0, 6);
    }

    [Fact]
    public void ASavedInversionGivesTheSameEdit()
    {
        InProcess.Run(["edit", Photograph.Prompt, Target, "--image", folder["photo.png"], "-o", folder["out"], .. Fast]).Succeeded();
        InProcess.Run(["invert", folder["photo.png"], Photograph.Prompt, "--no-comparison", "-o", folder["photo.safetensors"], .. Fast]).Succeeded();
        InProcess.Run(["edit", "--inversion", folder["photo.safetensors"], Target, "--quiet", "-o", folder["again"]]).Succeeded();
        Assert.Equal(Load("out", "edit-1").Rgb, Load("again", "edit-1").Rgb);
    }

    [Fact]
    public void NothingChangesOutsideTheMask()
    {
        var mask = photo with { Rgb = [.. photo.Rgb.Select((_, i) => i / 3 % 1600 is > 500 and < 1100 && i / 3 / 1600 > 300 ? byte.MaxValue : (byte)0)] };
        mask.SavePng(folder["mask.png"]);
        InProcess.Run(["edit", Photograph.Prompt, Target, "--image", folder["photo.png"], "--mask", folder["mask.png"], "-o", folder["out"], .. Fast]).Succeeded();
        InProcess.Run(["inpaint", folder["photo.png"], folder["mask.png"], Target, "--steps", "4", "--quiet", "-o", folder["filled"]]).Succeeded();

        Assert.All([Load("out", "edit-1"), Load("filled", "edit-1")], edit =>
        {
            Assert.Equal(photo.Size, edit.Size);
            AssertSame(edit, (x, y) => mask.Rgb[At(x, y)] == 0);
            Assert.NotEqual(photo.Rgb[At(800, 700)], edit.Rgb[At(800, 700)]);
        });
    }

    [Fact]
    public void NothingChangesOutsideTheBlendedRegion()
    {
        InProcess.Run([
            "edit", Photograph.Prompt, Target, "--blend", "house", "--image", folder["photo.png"], "--frame", "fit", "-o", folder["out"], "--trace", folder["trace.safetensors"],
            .. Fast]).Succeeded();

        var edit = Load("out", "edit-1");
        using var trace = SafetensorsFile.Open(folder["trace.safetensors"]);
        using var masks = trace.Read("blend.mask");
        var (height, width) = ((int)masks.shape[2], (int)masks.shape[3]);
        using var last = masks[-1, 1];
        var region = last.contiguous().data<byte>().ToArray();
        Assert.Contains((byte)0, region);
        Assert.NotEqual(photo.Rgb, edit.Rgb);
        AssertSame(edit, (x, y) => region[(y * height / 1200 * width) + (x * width / 1600)] == 0);
    }

    [Fact]
    public void TheModelsImageAloneIsWrittenOnRequest()
    {
        InProcess.Run([
            "edit", Photograph.Prompt, Target, "--image", folder["photo.png"], "--keep-outside", "false", "-o", folder["out"], "--trace", folder["trace.safetensors"], .. Fast]).Succeeded();

        using var trace = SafetensorsFile.Open(folder["trace.safetensors"]);
        using var images = trace.Read("images");
        using var edited = images[1].contiguous();
        var made = new Image((int)images.shape[2], (int)images.shape[1], edited.data<byte>().ToArray());
        var framing = Framing.Create(FramingKind.Crop, photo.Size, made.Size, 8);
        Assert.Equal(framing.Restore(made, photo).Rgb, Load("out", "edit-1").Rgb);
        Assert.Contains("--keep-outside: ", InProcess.Run(["edit", "a cat", "a dog", "--keep-outside", "false", "-o", folder["none"]]).FailedWith(2));
    }

    private Image Load(string name, string image) => Image.Load(Path.Combine(folder[name], $"{image}.png"));

    private void AssertSame(Image edit, Func<int, int, bool> where)
    {
        for (var y = 0; y < 1200; y++)
        {
            for (var x = 0; x < 1600; x++)
            {
                if (where(x, y) && !edit.Rgb.AsSpan(At(x, y), 3).SequenceEqual(photo.Rgb.AsSpan(At(x, y), 3)))
                    Assert.Fail($"The pixel at {x}, {y} differs.");
            }
        }
    }

    private static int At(int x, int y) => 3 * ((y * 1600) + x);

    private double Unchanged(Image edit) => Enumerable.Range(0, photo.Rgb.Length).Count(i => photo.Rgb[i] == edit.Rgb[i]) / (double)photo.Rgb.Length;

    // The largest difference of two pixels side by side in the upper part of the sky.
    private static int SteepestSkyStep(Image edit) => Enumerable.Range(0, 100).Max(y => Enumerable.Range(1, 1599).Max(x => Math.Abs(edit.Rgb[At(x, y)] - edit.Rgb[At(x - 1, y)])));
}
