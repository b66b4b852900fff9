using System.Net;
using System.Net.Http.Json;
using System.Text.Json.Nodes;
using PromptToPrompt.Diffusion.Images;
using PromptToPrompt.Studio.Engine;
using SkiaSharp;

namespace PromptToPrompt.Studio.Tests.Api;

[Trait("Category", "Slow")]
public sealed class StudioApiTests(SharedStudio shared)
{
    private static readonly object House = new { prompt = "a white house in a field", seed = 4, guidance = 5, steps = TestStudio.Steps };

    [Fact]
    public async Task AProgramDrawsEditsAndReadsWhatCameOfIt()
    {
        var studio = shared.Studio;
        var http = studio.Http;
        var project = await studio.NewProject();
        var source = await studio.Make(project, "generate", House);
        var edit = await studio.Make(project, "edit", new { source, prompt = "a (red:1.5) house in a field", blend = "house" });

        var tree = await TestStudio.Json(await http.GetAsync($"/api/projects/{project}"));
        Assert.Equal(2, tree["versions"]!.AsArray().Count);
        Assert.Equal(source, (string?)tree["versions"]![1]!["parent"]);
        Assert.NotNull(tree["versions"]![1]!["facts"]!["mask"]);

        var address = $"/api/pictures/{tree["versions"]![1]!["picture"]}.png";
        var picture = await http.GetAsync(address);
        Assert.Equal("image/png", picture.Content.Headers.ContentType!.MediaType);
        Assert.Contains("immutable", picture.Headers.CacheControl!.ToString(), StringComparison.Ordinal);
        using var again = new HttpRequestMessage(HttpMethod.Get, address);
        again.Headers.IfNoneMatch.Add(picture.Headers.ETag!);
        Assert.Equal(HttpStatusCode.NotModified, (await http.SendAsync(again)).StatusCode);

        var attention = await TestStudio.Json(await http.GetAsync($"/api/versions/{edit}/attention"));
        Assert.Equal(6, attention["words"]!.AsArray().Count);
        Assert.Equal(TestStudio.Steps, attention["steps"]!.AsArray().Count);
        var command = await http.GetStringAsync($"/api/versions/{edit}/command");
        Assert.Equal(
            $"p2p edit \"a white house in a field\" \"a (red:1.5) house in a field\" --seed 4 --steps {TestStudio.Steps} --guidance 5 --scheduler ddim --blend \"house\"", command);
        Assert.Contains("recipes", await http.GetStringAsync($"/api/versions/{edit}/run.json"), StringComparison.Ordinal);
        Assert.Equal(HttpStatusCode.OK, (await http.GetAsync($"/api/grid.png?versions={source},{edit}")).StatusCode);
    }

    [Fact]
    public async Task AnEditTakesAMethodWithItsOptions()
    {
        var studio = shared.Studio;
        var project = await studio.NewProject();
        var drawn = await studio.Make(project, "generate", House);
        var one = await studio.Make(project, "edit", new { source = drawn, prompt = "a red house in a field", method = "masactrl" });
        var other = await studio.Make(project, "edit", new { source = drawn, prompt = "a red house in a field", method = "masactrl", shareStart = 0.5 });
        var pictures = (await TestStudio.Json(await studio.Http.GetAsync($"/api/projects/{project}")))["versions"]!.AsArray().Select(version => (string?)version!["picture"]);
        Assert.Equal(3, pictures.Distinct().Count());
        Assert.EndsWith("--method masactrl --share-start 0.5", await studio.Http.GetStringAsync($"/api/versions/{other}/command"), StringComparison.Ordinal);
        Assert.EndsWith("--method masactrl", await studio.Http.GetStringAsync($"/api/versions/{one}/command"), StringComparison.Ordinal);

        var inverted = await studio.Make(project, "invert", new { picture = await Send(studio, TestStudio.Painted(128, 128)), prompt = "a house in a field", method = "uni-inv", steps = 3 });
        await studio.Make(project, "edit", new { source = inverted, prompt = "a red house in a field", method = "uni-edit", strength = 2 });
        var uninverted = await studio.Make(project, "invert", new { picture = await Send(studio, TestStudio.Painted(128, 128)), prompt = "a house in a field", method = "virtual", steps = 3 });
        var unified = await studio.Make(project, "edit", new { source = uninverted, prompt = "a red house in a field", method = "infedit", selfPart = 0.4 });
        Assert.EndsWith("--self-part 0.4", await studio.Http.GetStringAsync($"/api/versions/{unified}/command"), StringComparison.Ordinal);
        await Refused("method", new { source = drawn, prompt = "a red house", method = "uni-edit" });
        var noised = await studio.Make(project, "invert", new { picture = await Send(studio, TestStudio.Painted(128, 128)), prompt = "a house in a field", method = "edit-friendly", steps = 4 });
        var concepts = await studio.Make(project, "edit", new { source = noised, prompt = "a house in a field", method = "ledits++", concepts = new[] { "castle", "-house=3" }, conceptScale = 6 });
        Assert.EndsWith("--concept castle --concept=\"-house=3\" --concept-scale 6", await studio.Http.GetStringAsync($"/api/versions/{concepts}/command"), StringComparison.Ordinal);
        await studio.Make(project, "edit", new { source = noised, prompt = "a castle in a field", method = "ledits++" });
        await Refused("method", new { source = drawn, prompt = "a red house", method = "ledits++" });
        await Refused("method", new { source = inverted, prompt = "a red house", method = "ledits++" });
        await Refused("method", new { source = concepts, prompt = "a red house", method = "ledits++" });
        await Refused("concepts", new { source = noised, prompt = "a house", method = "ledits++", concepts = new[] { "-" } });
        await Refused("warmUp", new { source = noised, prompt = "a house", method = "ledits++", warmUp = 2 });

        var picture = await Send(studio, TestStudio.Painted(128, 128));
        var shifted = await studio.Make(project, "invert", new { picture, prompt = "a house in a field", method = "edit-friendly", steps = 5, noiseShift = 1 });
        await studio.Make(project, "edit", new { source = shifted, prompt = "a red house in a field", method = "turbo-edit", pseudoGuidance = 2 });
        var guided = await studio.Make(project, "invert", new { picture, prompt = "a house in a field", method = "edit-friendly", steps = 5 });
        await Refused("method", new { source = guided, prompt = "a red house", method = "turbo-edit" });
        await Refused("method", new { source = inverted, prompt = "a red house", method = "turbo-edit" });
        await Refused("pseudoGuidance", new { source = shifted, prompt = "a red house", method = "turbo-edit", pseudoGuidance = -1 });
        await Refused("method", new { source = inverted, prompt = "a red house", method = "infedit" });
        await Refused("crossPart", new { source = uninverted, prompt = "a red house", method = "infedit", crossPart = 2 });
        await Refused("noiseShift", new { picture, prompt = "a house", method = "direct", noiseShift = 1 }, "invert");
        await Refused("method", new { source = drawn, prompt = "a red house", method = "magic" });
        await Refused("shareStart", new { source = drawn, prompt = "a red house", shareStart = 0.5 });
        await Refused("shareStart", new { source = drawn, prompt = "a red house", method = "masactrl", shareStart = 2 });
        await Refused("selfSteps", new { source = drawn, prompt = "a red house", method = "pnp", selfSteps = "0.1" });
        await Refused("prompt", new { source = drawn, prompt = "a (red:2) house", method = "pnp" });

        async Task Refused(string field, object recipe, string verb = "edit")
        {
            var answer = await studio.Http.PostAsync($"/api/projects/{project}/{verb}", System.Net.Http.Json.JsonContent.Create(recipe));
            Assert.Equal(HttpStatusCode.BadRequest, answer.StatusCode);
            Assert.Equal([field], (await TestStudio.Json(answer))["errors"]!.AsObject().Select(error => error.Key));
        }
    }

    /// <summary>Also those that JavaScript would round, which may come as text.</summary>
    [Fact]
    public async Task SeedsHave64BitsAndPromptsWithOtherProgramsNotationGetNotes()
    {
        var studio = shared.Studio;
        var project = await studio.NewProject();
        foreach (var seed in new[] { "18446744073709551615", "\"18446744073709551615\"", "-1" })
        {
            using var body = new StringContent($$"""{"prompt":"a [white] house","negative":"(fog:1,5)","seed":{{seed}},"steps":1}""", System.Text.Encoding.UTF8, "application/json");
            var job = await TestStudio.Json(await studio.Http.PostAsync($"/api/projects/{project}/generate", body));
            Assert.Equal("18446744073709551615", job["recipe"]!["seed"]!.ToJsonString());
            Assert.Equal(2, job["notes"]!.AsArray().Count);
            Assert.Contains("(white:0.91)", (string?)job["notes"]![0], StringComparison.Ordinal);
        }

        using var wrong = new StringContent("""{"prompt":"a house","seed":18446744073709551616}""", System.Text.Encoding.UTF8, "application/json");
        await Problem(HttpStatusCode.BadRequest, "whole number", await studio.Http.PostAsync($"/api/projects/{project}/generate", wrong));
        var version = await studio.Make(project, "generate", new { prompt = "a white house", seed = ulong.MaxValue, steps = 1 });
        Assert.Contains("--seed 18446744073709551615", await studio.Http.GetStringAsync($"/api/versions/{version}/command"), StringComparison.Ordinal);
    }

    [Fact]
    public async Task ASentPictureIsInvertedAndEditedAndAPartOfItFilled()
    {
        var studio = shared.Studio;
        var project = await studio.NewProject();
        var picture = await Send(studio, TestStudio.Painted(200, 150));
        var mask = await Send(studio, TestStudio.Painted(200, 150, half: true));
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
        var picture = await Send(studio, TestStudio.Painted(200, 150));
        var mask = await Send(studio, TestStudio.Painted(200, 150, half: true));
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
        var picture = await Send(studio, TestStudio.Painted(200, 150));
        var source = await studio.Make(project, "invert", new { picture, prompt = "a house in a field", method = "direct", steps = 3 });
        var facts = (await TestStudio.Json(await studio.Http.GetAsync($"/api/versions/{source}")))["facts"]!;
        Assert.Equal((200, 150), ((int)facts["width"]!, (int)facts["height"]!));
        var answer = await studio.Http.GetAsync($"/api/versions/{source}/own-size.png");
        Assert.Equal("image/png", answer.Content.Headers.ContentType!.MediaType);
        using var bytes = new MemoryStream(await answer.Content.ReadAsByteArrayAsync());
        Assert.Equal(new PixelSize(200, 150), ImageReader.Read(bytes, "own-size.png").Size);
        var edit = await studio.Make(project, "edit", new { source, prompt = "a red house in a field", mask = await Send(studio, TestStudio.Painted(128, 128, half: true)) });
        using var mask = new MemoryStream(await studio.Http.GetByteArrayAsync($"/api/versions/{edit}/mask.png"));
        Assert.Equal(new PixelSize(200, 150), ImageReader.Read(mask, "mask.png").Size);
        // Edits of an edit follow its picture, which is in the inversion that their command reads.
        var further = await studio.Make(project, "edit", new { source = edit, prompt = "a blue house in a field", mask = await Send(studio, TestStudio.Painted(64, 64, half: true)) });
        using var small = new MemoryStream(await studio.Http.GetByteArrayAsync($"/api/versions/{further}/mask.png"));
        Assert.Equal(new PixelSize(200, 150), ImageReader.Read(small, "mask.png").Size);
        await Problem(HttpStatusCode.NotFound, "brushed mask", await studio.Http.GetAsync($"/api/versions/{source}/mask.png"));
        await Problem(HttpStatusCode.NotFound, "size of its own", await studio.Http.GetAsync("/api/versions/none/own-size.png"));
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
        await Problem(HttpStatusCode.BadRequest, "out of range", await studio.Http.GetAsync($"{address}?side=0"));

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
        var picture = await Send(studio, TestStudio.Painted(200, 150));
        var sent = PaintedOnNothing(orientation == 6 ? 150 : 200, orientation == 6 ? 200 : 150, orientation);
        using var file = ImageFile.Open(new MemoryStream(sent), "mask");
        var mask = await Send(studio, sent);
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

        await Problem(HttpStatusCode.BadRequest, "black everywhere", await studio.Http.PostAsJsonAsync(
            $"/api/projects/{project}/inpaint", new { picture, mask = await Send(studio, Flat(200, 150, SKColors.Black)), prompt = "a house" }));
        await Problem(HttpStatusCode.BadRequest, "100x100", await studio.Http.PostAsJsonAsync(
            $"/api/projects/{project}/inpaint", new { picture, mask = await Send(studio, Flat(100, 100, SKColors.White)), prompt = "a house" }));
        var wrong = await studio.Over(await studio.Post(project, "edit", new { source, prompt = "a blue house", mask = await Send(studio, Flat(100, 400, SKColors.White)) }));
        Assert.Contains("100x400", (string)wrong["problem"]!, StringComparison.Ordinal);
    }

    [Fact]
    public async Task AProgramDeletesVersionsAndProjects()
    {
        await using var studio = await TestStudio.Start();
        var http = studio.Http;
        var project = await studio.NewProject();
        var source = await studio.Make(project, "generate", House);
        await studio.Make(project, "edit", new { source, prompt = "a red house in a field" });
        var picture = studio.Store.Version(source).Picture;
        Assert.Equal(HttpStatusCode.NoContent, (await http.DeleteAsync($"/api/versions/{source}")).StatusCode);
        Assert.Empty(studio.Store.Versions(project));
        await Problem(HttpStatusCode.NotFound, "Picture 1 was deleted.", await http.DeleteAsync($"/api/versions/{source}"));
        await Problem(HttpStatusCode.NotFound, "Picture 1 was deleted.", await http.GetAsync($"/api/versions/{source}/attention"));
        await Problem(HttpStatusCode.NotFound, "The picture was deleted.", await http.GetAsync($"/api/pictures/{picture}.png"));
        await Problem(HttpStatusCode.BadRequest, "source: Picture 1 was deleted.", await http.PostAsJsonAsync($"/api/projects/{project}/edit", new { source, prompt = "a house" }));
        await Problem(HttpStatusCode.BadRequest, "parent: Picture 1 was deleted.", await http.PostAsJsonAsync($"/api/projects/{project}/generate?parent={source}", House));
        await Problem(HttpStatusCode.BadRequest, "picture: The picture was deleted.", await http.PostAsJsonAsync($"/api/projects/{project}/invert", new { picture, prompt = "a house" }));
        Assert.Equal(HttpStatusCode.NoContent, (await http.DeleteAsync($"/api/projects/{project}")).StatusCode);
        await Problem(HttpStatusCode.NotFound, "The project “A test” was deleted.", await http.GetAsync($"/api/projects/{project}"));
        await Problem(HttpStatusCode.NotFound, "The project “A test” was deleted.", await http.DeleteAsync($"/api/projects/{project}"));
        await Problem(HttpStatusCode.BadRequest, "The project “A test” was deleted.", await http.PostAsJsonAsync($"/api/projects/{project}/generate", House));
    }

    [Fact]
    public async Task RecordedSourcesAreToldAndFreedAndMadeAgain()
    {
        await using var studio = await TestStudio.Start();
        var http = studio.Http;
        var project = await studio.NewProject();
        Assert.Empty((await TestStudio.Json(await http.GetAsync("/api/sessions"))).AsArray());
        var source = await studio.Make(project, "generate", House);
        var session = (await TestStudio.Json(await http.GetAsync("/api/sessions"))).AsArray().Single()!;
        Assert.Equal([source], session["versions"]!.AsArray().Select(version => (string)version!));
        Assert.True((long)session["bytes"]! > 1000);
        Assert.True((bool)(await TestStudio.Json(await http.GetAsync("/health")))["modelLoaded"]!);
        Assert.Equal(HttpStatusCode.NoContent, (await http.DeleteAsync($"/api/sessions/{session["key"]}")).StatusCode);
        await studio.Make(project, "edit", new { source, prompt = "a red house in a field" });
        Assert.Single((await TestStudio.Json(await http.GetAsync("/api/sessions"))).AsArray());
        await Problem(HttpStatusCode.NotFound, "no recorded session", await http.DeleteAsync("/api/sessions/none"));
        var metrics = await http.GetStringAsync("/metrics");
        Assert.All(["studio_job_duration", "studio_sessions_size", "studio_queue_length", "http_server_request_duration"], name => Assert.Contains(name, metrics, StringComparison.Ordinal));
    }

    [Fact]
    public async Task WorkIsThereAfterARestart()
    {
        var folder = Directory.CreateTempSubdirectory("p2p-studio-").FullName;
        string project, source;
        await using (var first = await TestStudio.Start(folder))
        {
            project = await first.NewProject();
            source = await first.Make(project, "generate", House);
        }

        await using (var second = await TestStudio.Start(folder))
        {
            Assert.Equal(source, second.Store.Versions(project).Single().Id);
            await second.Make(project, "edit", new { source, prompt = "a red house in a field" });
        }

        Directory.Delete(folder, recursive: true);
    }

    [Fact]
    public async Task WhatDoesNotFitIsAProblemWithASentence()
    {
        await using var studio = await TestStudio.Start(change: options => options with { MaxUploadBytes = 40_000, MaxUploadPixels = 90_000 });
        var http = studio.Http;
        var project = await studio.NewProject();
        await Problem(HttpStatusCode.BadRequest, "0 is out of range", await http.PostAsJsonAsync($"/api/projects/{project}/generate", new { prompt = "a house", steps = 0 }));
        await Problem(HttpStatusCode.BadRequest, "wrong: There is no such field.", await http.PostAsJsonAsync($"/api/projects/{project}/generate", new { prompt = "a house", wrong = 1 }));
        await Problem(HttpStatusCode.BadRequest, "prompt", await http.PostAsJsonAsync($"/api/projects/{project}/generate", new { seed = 1 }));
        await Problem(HttpStatusCode.BadRequest, "no project", await http.PostAsJsonAsync("/api/projects/none/generate", House));
        var source = await studio.Make(project, "generate", House);
        await Problem(HttpStatusCode.BadRequest, "\"house=0.4\" is not a range of steps", await http.PostAsJsonAsync($"/api/projects/{project}/edit", new { source, prompt = "a house", crossSteps = "house=0.4" }));
        await Problem(HttpStatusCode.NotFound, "no version", await http.GetAsync("/api/versions/none"));
        await Problem(HttpStatusCode.NotFound, "no job", await http.GetAsync("/api/jobs/none/events"));
        await Problem(HttpStatusCode.BadRequest, "not an image", await http.PostAsync("/api/pictures", new ByteArrayContent("no picture"u8.ToArray())));
        await Problem(HttpStatusCode.BadRequest, "pixels", await http.PostAsync("/api/pictures", new ByteArrayContent(TestStudio.Painted(400, 400))));
        await Problem(HttpStatusCode.RequestEntityTooLarge, "larger", await http.PostAsync("/api/pictures", new ByteArrayContent(new byte[50_000])));
    }

    [Fact]
    public async Task AFullQueueIsSaidSo()
    {
        await using var studio = await TestStudio.Start(change: options => options with { Limits = new EngineLimits { QueueLength = 1 } });
        var project = await studio.NewProject();
        var answers = new List<HttpResponseMessage>();
        for (var seed = 0; seed < 4; seed++)
            answers.Add(await studio.Http.PostAsJsonAsync($"/api/projects/{project}/generate", new { prompt = "a house", seed, steps = 200 }));
        await Problem(HttpStatusCode.TooManyRequests, "waiting", answers[^1]);
        var job = (string)(await TestStudio.Json(answers[0]))["id"]!;
        await studio.Http.DeleteAsync($"/api/jobs/{job}");
        Assert.Equal("cancelled", (string?)(await studio.Over(job))["state"]);
    }

    [Fact]
    public async Task NothingNamedAndNothingSaidAreRefused()
    {
        var studio = shared.Studio;
        var project = await studio.NewProject();
        await Problem(HttpStatusCode.BadRequest, "versions", await studio.Http.GetAsync("/api/grid.png?versions="));
        await Problem(HttpStatusCode.BadRequest, "101 versions", await studio.Http.GetAsync($"/api/grid.png?versions={string.Join(',', Enumerable.Repeat("a", 101))}"));
        var answer = await studio.Http.PostAsync(
            $"/api/projects/{project}/generate", new StringContent("{\"prompt\":null}", System.Text.Encoding.UTF8, "application/json"));
        Assert.Equal(HttpStatusCode.BadRequest, answer.StatusCode);
    }

    [Fact]
    public async Task ItSaysWhatItIsAndHowItIs()
    {
        var studio = shared.Studio;
        var document = await TestStudio.Json(await studio.Http.GetAsync("/openapi/v1.json"));
        var paths = document["paths"]!.AsObject().Select(path => path.Key).ToList();
        Assert.All(["/api/projects/{id}/edit", "/api/versions/{id}", "/api/versions/{id}/own-size.png", "/api/sessions", "/api/sessions/{key}"], path => Assert.Contains(path, paths));
        var health = await TestStudio.Json(await studio.Http.GetAsync("/health"));
        Assert.Equal("Healthy", (string?)health["status"]);
        Assert.True((bool)health["storeWritable"]!);
        Assert.Equal(0, (int)health["waiting"]!);
        Assert.Contains("studio_queue_length", await studio.Http.GetStringAsync("/metrics"), StringComparison.Ordinal);
        Assert.Equal("storybook", (string?)(await TestStudio.Json(await studio.Http.GetAsync("/api/studio")))["models"]![0]);
    }

    private static async Task Problem(HttpStatusCode status, string sentence, HttpResponseMessage answer)
    {
        Assert.Equal(status, answer.StatusCode);
        Assert.Equal("application/problem+json", answer.Content.Headers.ContentType!.MediaType);
        Assert.Contains(sentence, (string?)(await TestStudio.Json(answer))["title"], StringComparison.Ordinal);
    }

    private static async Task<string> Send(TestStudio studio, byte[] picture) =>
        (string)(await TestStudio.Json(await studio.Http.PostAsync("/api/pictures", new ByteArrayContent(picture))))["picture"]!;

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
