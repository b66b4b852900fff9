using System.Net;
using System.Net.Http.Json;
using System.Text.Json.Nodes;
using PromptToPrompt.Diffusion.Images;
using SkiaSharp;

namespace PromptToPrompt.Studio.Tests.Api;

/// <summary>Pictures and masks that are sent to the studio, and those that it returns.</summary>
[Trait("Category", "Slow")]
public sealed class PictureApiTests(SharedStudio shared)
{
    [Fact]
    public async Task ASentPictureIsInvertedAndEditedAndAPartOfItFilled()
    {
        var studio = shared.Studio;
        var project = await studio.NewProject();
        var picture = await studio.Send(TestStudio.Painted(200, 150));
        var mask = await studio.Send(TestStudio.Painted(200, 150, half: true));
        var inverted = await studio.Make(project, "invert", new { picture, prompt = "a house in a field", method = "null-text", steps = 3, innerSteps = 2 });
        var facts = (await TestStudio.Json(await studio.Http.GetAsync($"/api/versions/{inverted}")))["facts"]!;
        Assert.True((double)facts["psnr"]! > 5);
        Assert.Equal(3, facts["losses"]!.AsArray().Count);
        await studio.Make(project, "edit", new { source = inverted, prompt = "a red house in a field" });
        var file = await studio.Http.GetByteArrayAsync($"/api/versions/{inverted}/inversion.safetensors");
        Assert.True(file.Length > 1000);
        await studio.Make(project, "inpaint", new { picture, mask, prompt = "a house in a field", steps = 3 });
    }

    [Fact]
    public async Task PicturesSayHowTheyWereMadeAndTheirPixelsAreTheStoredOnes()
    {
        await using var studio = await TestStudio.Start();
        var project = await studio.NewProject();
        var picture = await studio.Send(TestStudio.Painted(200, 150));
        var mask = await studio.Send(TestStudio.Painted(200, 150, half: true));
        Assert.Empty((await Carried($"/api/pictures/{picture}.png")).Texts);
        var drawn = await studio.Make(project, "generate", new { prompt = "a white house", negative = "a $dark \"sky\"", seed = 4, steps = 3, guidance = 5 });
        var edit = await studio.Make(project, "edit", new { source = drawn, prompt = "a (red:1.5) house", selfSteps = "0.1..0.6" });
        var further = await studio.Make(project, "edit", new { source = edit, prompt = "a blue house" });
        var inverted = await studio.Make(project, "invert", new { picture, prompt = "a house in a field", method = "direct", steps = 3 });
        var filled = await studio.Make(project, "inpaint", new { picture, mask, prompt = "a house, at night", steps = 3 });

        var (settings, record) = await Of(edit);
        Assert.Equal(("a (red:1.5) house", "a $dark \"sky\"", "4", "a white house"), (settings.Prompt, settings.Negative, settings["Seed"], settings["Edited from"]));
        Assert.Equal(
            [
                "edit", "a white house", "a (red:1.5) house", "--seed", "4", "--steps", "3", "--guidance", "5", "--scheduler", "ddim", "--negative", "a $dark \"sky\"",
                "--self-steps", "0.1..0.6",
            ],
            record["repeat"]!.AsArray().Select(part => (string?)part));
        // What needs files of the studio, or several commands, has the commands alone.
        foreach (var (version, prompt) in new[] { (further, "a blue house"), (inverted, "a house in a field"), (filled, "a house, at night") })
        {
            (settings, record) = await Of(version);
            Assert.Equal((prompt, "3", "DDIM"), (settings.Prompt, settings["Steps"], settings["Sampler"]));
            Assert.Null(record["repeat"]);
            Assert.NotEmpty(record["command"]!.AsArray());
        }

        Assert.Contains((await Carried($"/api/versions/{inverted}/own-size.png")).Texts, text => text.Keyword == PngText.RecordKeyword);

        async Task<(GenerationParameters Settings, JsonNode Record)> Of(string version)
        {
            var name = (string)(await TestStudio.Json(await studio.Http.GetAsync($"/api/versions/{version}")))["picture"]!;
            var (texts, rgb) = await Carried($"/api/pictures/{name}.png");
            Assert.Equal(studio.Store.Pictures.Read(name).Rgb, rgb);
            return (GenerationParameters.Parse(texts.Single(text => text.Keyword == GenerationParameters.Keyword).Text), JsonNode.Parse(texts.Single(text => text.Keyword == PngText.RecordKeyword).Text)!);
        }

        async Task<(IReadOnlyList<PngText> Texts, byte[] Rgb)> Carried(string address)
        {
            using var png = new MemoryStream(await studio.Http.GetByteArrayAsync(address));
            var texts = PngText.ReadAll(png);
            png.Position = 0;
            return (texts, ImageReader.Read(png, address).Rgb);
        }
    }

    [Fact]
    public async Task WhatCameFromASentPictureCanBeHadAtItsSize()
    {
        var studio = shared.Studio;
        var project = await studio.NewProject();
        var picture = await studio.Send(TestStudio.Painted(200, 150));
        var source = await studio.Make(project, "invert", new { picture, prompt = "a house in a field", method = "direct", steps = 3 });
        var facts = (await TestStudio.Json(await studio.Http.GetAsync($"/api/versions/{source}")))["facts"]!;
        Assert.Equal((200, 150), ((int)facts["width"]!, (int)facts["height"]!));
        var answer = await studio.Http.GetAsync($"/api/versions/{source}/own-size.png");
        Assert.Equal("image/png", answer.Content.Headers.ContentType!.MediaType);
        using var bytes = new MemoryStream(await answer.Content.ReadAsByteArrayAsync());
        Assert.Equal(new PixelSize(200, 150), ImageReader.Read(bytes, "own-size.png").Size);
        var edit = await studio.Make(project, "edit", new { source, prompt = "a red house in a field", mask = await studio.Send(TestStudio.Painted(128, 128, half: true)) });
        using var mask = new MemoryStream(await studio.Http.GetByteArrayAsync($"/api/versions/{edit}/mask.png"));
        Assert.Equal(new PixelSize(200, 150), ImageReader.Read(mask, "mask.png").Size);
        // Edits of an edit follow its picture, which is in the inversion that their command reads.
        var further = await studio.Make(project, "edit", new { source = edit, prompt = "a blue house in a field", mask = await studio.Send(TestStudio.Painted(64, 64, half: true)) });
        using var small = new MemoryStream(await studio.Http.GetByteArrayAsync($"/api/versions/{further}/mask.png"));
        Assert.Equal(new PixelSize(200, 150), ImageReader.Read(small, "mask.png").Size);
        await TestStudio.RequireProblem(HttpStatusCode.NotFound, "brushed mask", await studio.Http.GetAsync($"/api/versions/{source}/mask.png"));
        await TestStudio.RequireProblem(HttpStatusCode.NotFound, "size of its own", await studio.Http.GetAsync("/api/versions/none/own-size.png"));
    }

    [Fact]
    public async Task APhotographIsStoredAtItsFullSizeAndShownReduced()
    {
        var studio = shared.Studio;
        var photo = Photograph.Draw(4000, 3000);
        var sent = await TestStudio.Json(await studio.Http.PostAsync("/api/pictures", new ByteArrayContent(photo.ToPng())));
        Assert.Equal((4000, 3000), ((int)sent["width"]!, (int)sent["height"]!));
        var address = $"/api/pictures/{sent["picture"]}.png";
        Assert.Equal(photo.Rgb, (await Read(address)).Rgb);
        Assert.Equal(new PixelSize(400, 300), (await Read($"{address}?side=400")).Size);
        Assert.Equal(photo.Size, (await Read($"{address}?side=5000")).Size);
        await TestStudio.RequireProblem(HttpStatusCode.BadRequest, "out of range", await studio.Http.GetAsync($"{address}?side=0"));

        async Task<Image> Read(string address)
        {
            using var png = new MemoryStream(await studio.Http.GetByteArrayAsync(address));
            return ImageReader.Read(png, address);
        }
    }

    [Theory]
    [InlineData(0)]
    [InlineData(6)]
    public async Task ASentMaskIsReadAsItsFileIsReadElsewhere(int orientation)
    {
        var studio = shared.Studio;
        var project = await studio.NewProject();
        var picture = await studio.Send(TestStudio.Painted(200, 150));
        var sent = PaintedOnNothing(orientation == 6 ? 150 : 200, orientation == 6 ? 200 : 150, orientation);
        using var file = ImageFile.Open(new MemoryStream(sent), "mask");
        var mask = await studio.Send(sent);
        Assert.Equal(file.ReadMask().Rgb, studio.Store.Pictures.ReadMask(mask).Rgb);
        var filled = await studio.Make(project, "inpaint", new { picture, mask, prompt = "a house in a field", steps = 2 });
        using var read = ImageFile.Open(new MemoryStream(await studio.Http.GetByteArrayAsync($"/api/versions/{filled}/mask.png")), "mask.png");
        Assert.Equal(file.ReadMask().Rgb, read.ReadMask().Rgb);
        if (orientation != 0)
            return;

        // Of an edit it may be the given picture's, or what the model saw of that.
        var source = await studio.Make(project, "invert", new { picture, prompt = "a house in a field", method = "direct", steps = 2 });
        var edit = await studio.Make(project, "edit", new { source, prompt = "a red house in a field", mask });
        using var again = ImageFile.Open(new MemoryStream(await studio.Http.GetByteArrayAsync($"/api/versions/{edit}/mask.png")), "mask.png");
        Assert.Equal(file.ReadMask().Rgb, again.ReadMask().Rgb);

        await TestStudio.RequireProblem(HttpStatusCode.BadRequest, "black everywhere", await studio.Http.PostAsJsonAsync(
            $"/api/projects/{project}/inpaint", new { picture, mask = await studio.Send(Flat(200, 150, SKColors.Black)), prompt = "a house" }));
        await TestStudio.RequireProblem(HttpStatusCode.BadRequest, "100x100", await studio.Http.PostAsJsonAsync(
            $"/api/projects/{project}/inpaint", new { picture, mask = await studio.Send(Flat(100, 100, SKColors.White)), prompt = "a house" }));
        var wrong = await studio.Over(await studio.Post(project, "edit", new { source, prompt = "a blue house", mask = await studio.Send(Flat(100, 400, SKColors.White)) }));
        Assert.Contains("100x400", (string)wrong["problem"]!, StringComparison.Ordinal);
    }

    private static byte[] Flat(int width, int height, SKColor color) => PaintedOn(width, height, _ => color);

    // The left quarter of what is seen, in white on a transparent ground; with orientation 6, what is stored is turned.
    private static byte[] PaintedOnNothing(int width, int height, int orientation) => PaintedOn(
        width, height, at => (orientation == 6 ? at / width >= height * 3 / 4 : at % width < width / 4) ? SKColors.White : SKColors.White.WithAlpha(0), orientation);

    private static byte[] PaintedOn(int width, int height, Func<int, SKColor> color, int orientation = 0)
    {
        using var bitmap = new SKBitmap(new SKImageInfo(width, height, SKColorType.Rgba8888, SKAlphaType.Unpremul));
        for (var i = 0; i < width * height; i++)
            bitmap.SetPixel(i % width, i / width, color(i));
        using var data = bitmap.Encode(SKEncodedImageFormat.Png, 100);
        var png = data.ToArray();
        // A chunk of EXIF with one entry, and its checksum.
        return orientation == 0 ? png :
        [
            .. png[..33], 0, 0, 0, 26, .. "eXIfII*\0"u8, 8, 0, 0, 0, 1, 0, 0x12, 0x01, 3, 0, 1, 0, 0, 0, (byte)orientation, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, .. png[33..],
        ];
    }
}
