using System.Diagnostics;
using System.Net;
using System.Text.Json.Nodes;
using PromptToPrompt.Diffusion.Images;
using PromptToPrompt.Diffusion.Storage.Adapters;
using TorchSharp;

namespace PromptToPrompt.Cli.Tests.Commands;

[Trait("Category", "Slow")]
public sealed class ServeCommandTests
{
    [Theory]
    [InlineData("--port: 70000 is out of range", "--port", "70000")]
    [InlineData("--host: \"somewhere\" is not valid", "--host", "somewhere")]
    [InlineData("no directory or file \"nothing\"", "--model", "nothing")]
    [InlineData("no directory or file \"nothing\"", "--also", "nothing")]
    [InlineData("--token: the value is empty", "--token", "")]
    [InlineData("--token: \"two words\" is not valid", "--token", "two words")]
    [InlineData("--queue: 0 is out of range. Use 1 or more.", "--queue", "0")]
    public void WhatDoesNotFitIsSaidBeforeAnythingListens(string sentence, params string[] arguments) =>
        Assert.Contains(sentence, InProcess.Run(["serve", .. arguments]).FailedWith(2), StringComparison.Ordinal);

    [Fact]
    public void AFolderThatCannotBeUsedIsNamed()
    {
        using var folder = new TemporaryFolder();
        File.WriteAllText(folder["file"], "");
        Assert.Contains("--data", InProcess.Run("serve", "--port", "0", "--model", TinyModel.Shared.Folder, "--data", folder["file"]).FailedWith(2), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("/?token=", "--host", "0.0.0.0")]
    [InlineData("/?token=", "--host", "::")]
    [InlineData("/?token=sesame%26more", "--token", "sesame&more")]
    [InlineData("/?token=sesame", "--token", "sesame", "--host", "0.0.0.0")]
    public async Task ThePrintedAddressOpensTheStudioAndItsTokenIsNeeded(string ends, params string[] arguments)
    {
        Assert.SkipUnless(System.Net.Sockets.Socket.OSSupportsIPv6 || !arguments.Contains("::"), "This machine has no IPv6.");
        using var folder = new TemporaryFolder();
        using var server = await StudioProcess.Start(["--model", TinyModel.Shared.Folder, "--data", folder["data"], .. arguments]);
        var printed = server.Http.BaseAddress!;
        Assert.Contains(ends, printed.AbsoluteUri, StringComparison.Ordinal);
        // The page, not the HTTP interface: it is the cookie that opens it after the redirect.
        Assert.Equal(HttpStatusCode.Unauthorized, (await server.Http.GetAsync("/")).StatusCode);
        Assert.Equal(HttpStatusCode.OK, (await server.Http.GetAsync(printed)).StatusCode);
        Assert.Equal(HttpStatusCode.OK, (await server.Http.GetAsync("/api/projects")).StatusCode);
    }

    [Fact]
    public async Task WithoutATokenThePrintedAddressHasNone()
    {
        using var folder = new TemporaryFolder();
        using var server = await StudioProcess.Start("--model", TinyModel.Shared.Folder, "--data", folder["data"]);
        Assert.Empty(server.Http.BaseAddress!.Query);
        Assert.Equal(HttpStatusCode.OK, (await server.Http.GetAsync("/api/projects")).StatusCode);
    }

    /// <summary>What the studio shows is run by a shell, so that quoting is tested as well.</summary>
    [Fact]
    [Trait("Category", "Process")]
    public async Task TheCommandThatIsShownMakesTheSameImage()
    {
        using var folder = new TemporaryFolder();
        using var server = await StudioProcess.Start("--model", TinyModel.Shared.Folder, "--data", folder["data"], "--prediction", "epsilon", "--vae-tiling");
        var project = (string)(await server.Post("/api/projects", new { name = "A test" }))["id"]!;
        var source = await server.Make(project, "generate", new { prompt = "a \"white\" house in a $5 field", seed = 4, guidance = 5, steps = 4 });
        var edit = await server.Make(project, "edit", new { source, prompt = "a (red:1.4) house in a $5 field", blend = "house", wordSteps = new { red = "0.5" } });

        var command = await server.Http.GetStringAsync($"/api/versions/{edit}/command", TestContext.Current.CancellationToken);
        Assert.Contains("--prediction \"epsilon\" --vae-tiling", command, StringComparison.Ordinal);
        var version = await server.Get($"/api/versions/{edit}");
        await AssertMakes(folder, $"{command} --quiet --output out", $"/api/pictures/{version["picture"]}.png", server);
    }

    [Fact]
    [Trait("Category", "Process")]
    public async Task SoItDoesForAGivenImageAtItsOwnSize()
    {
        using var folder = new TemporaryFolder();
        using var server = await StudioProcess.Start("--model", TinyModel.Shared.Folder, "--data", folder["data"]);
        var image = await Send(server, folder);
        var project = (string)(await server.Post("/api/projects", new { name = "A test" }))["id"]!;
        var source = await server.Make(project, "invert", new { picture = image, prompt = "a house in a field", method = "direct", steps = 4, frame = "pad" });
        var edit = await server.Make(project, "edit", new { source, prompt = "a red house in a field" });

        var commands = (await server.Http.GetStringAsync($"/api/versions/{edit}/command", TestContext.Current.CancellationToken)).Split('\n');
        await AssertMakes(folder, $"{commands[0]} --quiet --no-comparison && {commands[1]} --quiet --output out", $"/api/versions/{edit}/own-size.png", server);
    }

    /// <summary>Inverted with the settings of the method, an edit is that of the command with its defaults.</summary>
    [Fact]
    [Trait("Category", "Process")]
    public async Task ThingsAreAddedAndRemovedAsByTheCommand()
    {
        using var folder = new TemporaryFolder();
        using var server = await StudioProcess.Start("--model", TinyModel.Shared.Folder, "--data", folder["data"]);
        var image = await Send(server, folder);
        var project = (string)(await server.Post("/api/projects", new { name = "A test" }))["id"]!;
        var source = await server.Make(project, "invert", new { picture = image, prompt = "a house in a field", method = "edit-friendly", steps = 7, skip = 0.15, inversionGuidance = 0 });
        var edit = await server.Make(project, "edit", new { source, prompt = "a red house in a field", method = "ledits++", conceptScale = 8 });

        const string Command = "p2p edit \"a house in a field\" \"a red house in a field\" --image picture.png --method ledits++ --concept-scale 8 --steps 7 --quiet --output out";
        await AssertMakes(folder, $"{Command} --model '{TinyModel.Shared.Folder}'", $"/api/versions/{edit}/own-size.png", server);
        var commands = (await server.Http.GetStringAsync($"/api/versions/{edit}/command", TestContext.Current.CancellationToken)).Split('\n');
        await AssertMakes(folder, $"{commands[0]} --quiet --no-comparison && {commands[1]} --quiet --overwrite --output out", $"/api/versions/{edit}/own-size.png", server);
    }

    [Fact]
    [Trait("Category", "Process")]
    public async Task SoItDoesForSourcesWithLearnedWords()
    {
        using var folder = new TemporaryFolder();
        using (var vectors = torch.linspace(-1, 1, 32).view(1, 32))
            new WordVectors("<given>", [vectors]).Save(folder["given.safetensors"]);
        using var server = await StudioProcess.Start("--model", TinyModel.Shared.Folder, "--data", folder["data"], "--embedding", $"<given>={folder["given.safetensors"]}");
        var image = await Send(server, folder);
        var learning = (string)(await server.Post("/api/words", new { word = "<my-house>", initial = "house", pictures = new[] { image }, steps = 2 }))["id"]!;
        Assert.Equal("done", (string?)(await server.Over(learning))["state"]);
        var project = (string)(await server.Post("/api/projects", new { name = "A test" }))["id"]!;
        var source = await server.Make(project, "invert", new { picture = image, prompt = "a <given> <my-house> in a field", method = "direct", steps = 4 });
        var edit = await server.Make(project, "edit", new { source, prompt = "a red <my-house> in a field" });
        var further = await server.Make(project, "edit", new { source = edit, prompt = "a blue <my-house> in a field" });

        // The inversions are the studio's own, not those that its commands make.
        foreach (var (version, from) in new[] { (edit, source), (further, edit) })
        {
            await File.WriteAllBytesAsync(folder["inversion.safetensors"], await server.Http.GetByteArrayAsync($"/api/versions/{from}/inversion.safetensors", TestContext.Current.CancellationToken), TestContext.Current.CancellationToken);
            var command = (await server.Http.GetStringAsync($"/api/versions/{version}/command", TestContext.Current.CancellationToken)).Split('\n')[^1];
            Assert.Contains("--embedding \"<my-house>=", command, StringComparison.Ordinal);
            await AssertMakes(folder, $"{command} --quiet --overwrite --output out", $"/api/versions/{version}/own-size.png", server);
        }
    }

    // A picture of 180x150 gray pixels.
    private static async Task<string> Send(StudioProcess server, TemporaryFolder folder)
    {
        var rgb = new byte[180 * 150 * 3];
        for (var i = 0; i < rgb.Length; i++)
            rgb[i] = (byte)(i / 3 % 180);
        new Image(180, 150, rgb).SavePng(folder["picture.png"]);
        var sent = await server.Http.PostAsync("/api/pictures", new ByteArrayContent(await File.ReadAllBytesAsync(folder["picture.png"])), TestContext.Current.CancellationToken);
        return (string)JsonNode.Parse(await sent.Content.ReadAsStringAsync(TestContext.Current.CancellationToken))!["picture"]!;
    }

    private static async Task AssertMakes(TemporaryFolder folder, string commands, string address, StudioProcess server)
    {
        var script = $"p2p() {{ dotnet '{Path.Combine(AppContext.BaseDirectory, "p2p.dll")}' \"$@\"; }}; {commands}";
        using var shell = Process.Start(new ProcessStartInfo("sh", ["-c", script]) { WorkingDirectory = folder.Path, Environment = { ["OMP_NUM_THREADS"] = "1" } })!;
        await shell.WaitForExitAsync(TestContext.Current.CancellationToken);
        Assert.Equal(0, shell.ExitCode);
        using var shown = new MemoryStream(await server.Http.GetByteArrayAsync(address, TestContext.Current.CancellationToken));
        var (here, there) = (ImageReader.Read(shown, "shown"), Image.Load(folder[Path.Combine("out", "edit-1.png")]));
        // The studio runs the edit's rows without the source's: the same sums in batches of other sizes.
        Assert.Equal(here.Size, there.Size);
        Assert.All(here.Rgb.Zip(there.Rgb), pair => Assert.InRange(pair.First - pair.Second, -1, 1));
    }
}
