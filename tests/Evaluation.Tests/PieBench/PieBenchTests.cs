using CsCheck;
using PromptToPrompt.Batch;
using PromptToPrompt.Batch.Plans;
using PromptToPrompt.Batch.Shards;
using PromptToPrompt.Diffusion;
using PromptToPrompt.Diffusion.Images;
using PromptToPrompt.Editing.Inversion;
using PromptToPrompt.Editing.Methods;
using PromptToPrompt.Evaluation.PieBench;
using PromptToPrompt.Metrics;

namespace PromptToPrompt.Evaluation.Tests.PieBench;

public sealed class PieBenchTests : IDisposable
{
    private readonly TemporaryFolder folder = new();

    [Fact]
    public void AMaskIsItsRunsAndTheBorder()
    {
        var mask = PieBenchMask.WithBorder(PieBenchMask.Decode([9, 2, 14, 1, 100, 50], new PixelSize(6, 4)));
        Assert.Equal(
            """
            ######
            #..###
            #.#..#
            ######
            """,
            string.Join('\n', mask.Rgb.Chunk(3).Select(pixel => pixel.All(value => value == 255) ? '#' : pixel.All(value => value == 0) ? '.' : '?').Chunk(6).Select(row => new string(row))));
    }

    [Fact]
    public void RunsAreReadAsTheyWereWritten() => Gen.Select(Gen.Int[3, 9], Gen.Int[3, 9]).SelectMany((width, height) => Gen.Bool.Array[width * height].Select(edited => (Size: new PixelSize(width, height), edited)))
        .Sample(drawn =>
        {
            var mask = PieBenchMask.Decode(PieBenchMask.Encode(drawn.edited), drawn.Size);
            for (var y = 1; y < drawn.Size.Height - 1; y++)
            {
                for (var x = 1; x < drawn.Size.Width - 1; x++)
                    Assert.Equal(drawn.edited[(y * drawn.Size.Width) + x], mask.Rgb[((y * drawn.Size.Width) + x) * 3] == 255);
            }
        });

    [Fact]
    public void APublishedEntryIsRead()
    {
        File.WriteAllText(folder["mapping_file.json"], """
            {"000000000001": {"image_path": "1_change_object_80/1.jpg", "original_prompt": "a [cat] on a chair", "editing_prompt": "a [dog] on a chair",
              "editing_instruction": "Change the cat to a dog", "editing_type_id": "1", "blended_word": "cat dog", "mask": [0, 5]},
             "000000000000": {"image_path": "9_change_style_80/0.jpg", "original_prompt": "a house", "editing_prompt": "[a drawing of] a house",
              "editing_instruction": "Draw it", "editing_type_id": "9", "blended_word": "", "mask": [0, 262144]}}
            """);
        var items = PieBenchData.Read(folder.Path).Items;
        Assert.Equal(["a house", "a cat on a chair"], items.Select(item => item.SourcePrompt));
        Assert.Equal(["a drawing of a house", "a dog on a chair"], items.Select(item => item.TargetPrompt));
        Assert.Equal([[], [("cat", "dog")]], items.Select(item => item.Blend));
        Assert.Equal([9, 1], items.Select(item => item.Type));
        Assert.All(PieBenchMask.Decode(items[0].MaskRuns, new(512, 512)).Rgb, value => Assert.Equal(255, value));
    }

    [Fact]
    public async Task TheParquetCopyIsRead()
    {
        Directory.CreateDirectory(folder["set/1_change_object_80"]);
        Plain(new(8, 8), 50).SavePng(folder["image.png"]);
        var row = new PieBenchParquet.Row
        {
            Image = new() { Bytes = await File.ReadAllBytesAsync(folder["image.png"], TestContext.Current.CancellationToken), Path = "7.png" },
            Id = "7",
            SourcePrompt = "a cat on a chair",
            TargetPrompt = "a [red] [dog] on a [metal] chair",
            BlendedWords = "['cat,dog', \"man's,woman's\"]",
            Mask = "9 3 50 1",
        };
        await Parquet.Serialization.ParquetSerializer.SerializeAsync([row], folder["set/1_change_object_80/V1-00000-of-00001.parquet"], cancellationToken: TestContext.Current.CancellationToken);
        var data = PieBenchParquet.Extract(folder["set"], folder["data"]);
        var item = Assert.Single(data.Items);
        Assert.Equal(("7", "a cat on a chair", "a red dog on a metal chair", 1), (item.Id, item.SourcePrompt, item.TargetPrompt, item.Type));
        Assert.Equal([("cat", "dog"), ("man's", "woman's")], item.Blend);
        Assert.Equal([9, 3, 50, 1], item.MaskRuns);
        Assert.Equal(50, Image.Load(data.PathOf(item)).Rgb[0]);
    }

    [Theory]
    [InlineData("""{"1": {"original_prompt": "a", "editing_prompt": "b", "editing_type_id": "1", "mask": []}}""", "image_path")]
    [InlineData("""{"1": {"image_path": "../x.jpg", "original_prompt": "a", "editing_prompt": "b", "editing_type_id": "1", "mask": []}}""", "../x.jpg")]
    [InlineData("""{"1": {"image_path": "/x.jpg", "original_prompt": "a", "editing_prompt": "b", "editing_type_id": "1", "mask": []}}""", "/x.jpg")]
    [InlineData("""{"1": {"image_path": "x.jpg", "original_prompt": "a", "editing_prompt": "b", "editing_type_id": "1", "mask": null}}""", "without a mask")]
    [InlineData("null", "no entries")]
    [InlineData("{}", "no entries")]
    [InlineData("""{"1": {"image_path": "x.jpg", "original_prompt": "a", "editing_prompt": "b", "editing_type_id": "10", "mask": []}}""", "\"10\"")]
    [InlineData("[", "mapping_file.json")]
    public void ADamagedMappingIsOneError(string mapping, string expected)
    {
        File.WriteAllText(folder["mapping_file.json"], mapping);
        Assert.Contains(expected, Assert.Throws<InvalidInputException>(() => PieBenchData.Read(folder.Path)).Message);
    }

    [Fact]
    public void ADrawnDataSetIsReadAsItWasWrittenAndItsMasksHoldWhatChanges()
    {
        var written = DrawnPieBench.Write(folder["a"], side: 64, count: 12, seed: 1);
        DrawnPieBench.Write(folder["b"], side: 64, count: 12, seed: 1);
        var read = PieBenchData.Read(folder["a"]);
        Assert.Equivalent(written.Items, read.Items, strict: true);
        Assert.Equal(File.ReadAllBytes(Path.Combine(folder["a"], "mapping_file.json")), File.ReadAllBytes(Path.Combine(folder["b"], "mapping_file.json")));
        Assert.Equal([1, 2, 3, 6, 8, 9], read.Items.Select(item => item.Type).Distinct());
        foreach (var item in read.Items)
        {
            var edited = PieBenchMask.WithBorder(PieBenchMask.Decode(item.MaskRuns, new(64, 64))).Rgb.Count(value => value == 255) / (64.0 * 64 * 3);
            Assert.InRange(edited, item.Type == 9 ? 1 : 0.07, item.Type == 9 ? 1 : 0.999);
            Assert.Equal(item.Type is 1 or 6 ? 1 : 0, item.Blend.Count);
            if (item.Blend is [var blend])
                Assert.Multiple(() => Assert.Contains(blend.Source, item.SourcePrompt.Split(' ')), () => Assert.Contains(blend.Target, item.TargetPrompt.Split(' ')));
        }
    }

    // The mean is over the whole image, the black part too.
    [Fact]
    public void TheBackgroundIsComparedWithTheEditedPartBlack()
    {
        var size = new PixelSize(20, 20);
        var item = Item() with { MaskRuns = [0, 200] };
        var source = Plain(size, 100);
        Plain(size, 110).SavePng(folder["edit.png"]);
        var measured = new PieBenchMeasures(null, null, null).Of(folder["edit.png"], item, () => (source, PieBenchMask.WithBorder(PieBenchMask.Decode(item.MaskRuns, size))));
        // 9 rows of 18 pixels are neither in the run nor at the border.
        Assert.Equal(9 * 18 / 400.0 * Math.Pow(10 / 255.0, 2), measured["mse"]!.Value, 1e-12);
        Assert.Equal(-10 * Math.Log10(measured["mse"]!.Value), measured["psnr"]!.Value, 1e-9);
        Assert.Equal(["mse", "psnr", "ssim"], measured.Keys.Order());
        // They stand beside the edit, and are not measured again.
        Assert.Equal(measured["ssim"], new PieBenchMeasures(null, null, null).Of(folder["edit.png"], item, () => throw new InvalidOperationException())["ssim"]);
    }

    [Fact]
    public void WithoutABackgroundItsMeasuresAreNotDefinedAndDoNotCount()
    {
        var size = new PixelSize(20, 20);
        var whole = Item() with { MaskRuns = [0, 400] };
        Plain(size, 110).SavePng(folder["edit.png"]);
        var measured = new PieBenchMeasures(null, null, null).Of(folder["edit.png"], whole, () => (Plain(size, 100), PieBenchMask.Decode(whole.MaskRuns, size)));
        Assert.All(measured.Values, value => Assert.Null(value));
        var rows = PieBenchRow.Of([("a", 9, measured), ("a", 1, new Dictionary<string, double?> { ["mse"] = 0.5 }), ("b", 1, new Dictionary<string, double?> { ["mse"] = 0.25 })]);
        Assert.Equal([("a", null, 2, 0.5), ("b", null, 1, 0.25), ("a", 1, 1, 0.5), ("b", 1, 1, 0.25), ("a", 9, 1, null)], rows.Select(row => (row.Method, row.Type, row.Count, row.Means["mse"])));
    }

    [Fact]
    public void AStoppedRunResumesAndAnImageThatCannotBeReadIsNamed()
    {
        using var model = EmbeddedModel.Load();
        var data = DrawnPieBench.Write(folder["data"], model.ImageSide, count: 2, seed: 1);
        File.WriteAllText(data.PathOf(data.Items[1]), "no image");
        var run = new PieBenchRun(data, PieBenchMethod.Named(["ddim+prompt", "ddim+p2p"]), folder["out"]);
        Assert.Empty(run.WritePlans(new() { Steps = 2 }, model.Tokenizer));
        using var stop = new CancellationTokenSource();
        Assert.Throws<OperationCanceledException>(() => run.Edit(model, done => { if (done > 0) stop.Cancel(); }, stop.Token));
        var finished = Assert.Single(Directory.GetFiles(folder["out"], "0000000.tar", SearchOption.AllDirectories));
        var time = File.GetLastWriteTimeUtc(finished);
        var done = new List<int>();
        var failures = run.Edit(model, number => done.Add(number == 1 && File.GetLastWriteTimeUtc(finished) == time ? 100 : number), CancellationToken.None);
        Assert.Equal([100, 2, 2, 3, 4], done);
        Assert.Equal([("ddim+prompt", data.Items[1].Id), ("ddim+p2p", data.Items[1].Id)], failures.Select(failure => (failure.Method, failure.Id)));
        Assert.Equal(2, Edits().Length);

        // What is there is not made again.
        var times = Edits().Select(File.GetLastWriteTimeUtc).ToList();
        run.Edit(model, _ => { }, CancellationToken.None);
        Assert.Equal(times, Edits().Select(File.GetLastWriteTimeUtc));
    }

    [Fact]
    public void TheSourceStandsForAnEditWhoseWordsAreNotInThePrompts()
    {
        using var model = EmbeddedModel.Load();
        var data = DrawnPieBench.Write(folder["data"], model.ImageSide, count: 3, seed: 1);
        data = data with { Items = [data.Items[0] with { Blend = [("unicorn", "dragon")] }, data.Items[1] with { Blend = [("house", ""), ("a", "b, c")] }, data.Items[2]] };
        File.Delete(data.PathOf(data.Items[2]));
        var (guided, free) = (PieBenchMethod.Named(["direct+p2p"])[0], PieBenchMethod.Named(["ddim+prompt"])[0]);
        var run = new PieBenchRun(data, [guided, free], folder["out"]);
        var problems = run.WritePlans(new() { Steps = 4, Guidance = 7 }, model.Tokenizer);
        Assert.Equal(
            [("direct+p2p", data.Items[0].Id), ("direct+p2p", data.Items[1].Id), ("direct+p2p", data.Items[2].Id), ("ddim+prompt", data.Items[2].Id)], problems.Select(problem => (problem.Method, problem.Id)));
        Assert.Contains("dragon", problems[0].Problem, StringComparison.Ordinal);
        Assert.Contains("does not exist", problems[2].Problem, StringComparison.Ordinal);
        Assert.Empty(run.Edit(model, _ => { }, CancellationToken.None));
        Assert.Equal(4, Edits().Length);
        // By direct inversion the source is the image itself, and an edit with its own prompt is another one.
        foreach (var item in data.Items.Take(2))
        {
            using var latents = model.Vae.EncodeImage(data.Load(item, model).Image, model.Device);
            var source = model.Vae.DecodeImages(latents)[0];
            Assert.InRange(Image.Load(run.PathOf(guided, item)).Psnr(source), 40, double.PositiveInfinity);
            Assert.InRange(Image.Load(run.PathOf(free, item)).Psnr(source), 0, 30);
        }
    }

    [Fact]
    public void AnotherCommandMayMakeTheEditsOfAPlan()
    {
        using var model = EmbeddedModel.Load();
        var data = DrawnPieBench.Write(folder["data"], model.ImageSide, count: 2, seed: 1);
        var method = Assert.Single(PieBenchMethod.Named(["edit-friendly+p2p"]));
        var run = new PieBenchRun(data, [method], folder["out"]);
        Assert.Empty(run.WritePlans(new() { Steps = 3, Guidance = 4, Seed = 9 }, model.Tokenizer));
        var request = new BatchRequest { Plan = BatchPlan.Read(run.PlanOf(method)), Folder = run.ShardsOf(method), Layout = new TarLayout { Format = ImageFormat.Png } };
        var settings = request.Plan.Items[0].Settings.ToSettings();
        Assert.Equal((3, 4.0, 9UL), (settings.Sampling.Steps, settings.Sampling.Guidance, request.Plan.Items[0].Seed));
        new BatchRun(model, request).Execute(cancellationToken: TestContext.Current.CancellationToken);
        var times = Directory.GetFiles(run.ShardsOf(method)).Select(File.GetLastWriteTimeUtc).ToList();
        Assert.Empty(run.Edit(model, _ => { }, CancellationToken.None));
        Assert.Equal(times, Directory.GetFiles(run.ShardsOf(method)).Select(File.GetLastWriteTimeUtc));
        Assert.Equal(2, Edits().Length);
        // The edit is what the model decodes, at its size.
        Assert.Equal(model.ImageSide, Image.Load(run.PathOf(method, data.Items[0])).Width);
    }

    [Theory]
    [InlineData("ddim+masactrl", "", typeof(MasaCtrl))]
    [InlineData("direct+masactrl", "", typeof(MasaCtrl))]
    [InlineData("ddim+pnp", "", typeof(PlugAndPlay))]
    [InlineData("direct+pnp", "", typeof(PlugAndPlay))]
    [InlineData("uni-inv+p2p", "a red house", typeof(PromptToPromptMethod))]
    [InlineData("uni-inv+uni-edit", "a red house", typeof(UniEdit))]
    [InlineData("edit-friendly+ledits++", "a red house", typeof(LeditsPlusPlus))]
    [InlineData("edit-friendly+turbo-edit", "a red house", typeof(TurboEdit))]
    [InlineData("virtual+infedit", "a red house", typeof(InfEdit))]
    public void MethodsHaveTheSettingsOfTheirPublishedEvaluations(string name, string prompt, Type editing)
    {
        var method = Assert.Single(PieBenchMethod.Named([name]));
        var item = Item() with { SourcePrompt = "a red house" };
        Assert.Equal(prompt, method.SourcePrompt(item));
        Assert.IsType(editing, method.Request(item).Method);
        method.Request(item).Validate();
        Assert.Equal(editing == typeof(InfEdit) ? 2.3 : null, method.Guidance);
        if (method.Request(item).Method is UniEdit { EditDepth: var depth })
            Assert.Equal(depth, Assert.IsType<UniInversion>(method.Inversion).Depth);
        if (editing == typeof(LeditsPlusPlus))
            Assert.Equal(LeditsPlusPlus.Inversion, method.Inversion);
        if (editing == typeof(TurboEdit))
            Assert.Equal(TurboEdit.Inversion, method.Inversion);
        // A plan names methods only.
        Assert.Equal(method.Inversion, method.Settings(item).ToSettings().Inversion);
    }

    [Fact]
    public void EveryMethodOfOneInversionEditsTheDrawings()
    {
        using var model = EmbeddedModel.Load();
        var data = DrawnPieBench.Write(folder["data"], model.ImageSide, count: 1, seed: 1);
        string[] names = ["direct+p2p", "direct+masactrl", "direct+pnp", "uni-inv+uni-edit", "edit-friendly+turbo-edit", "virtual+infedit", "edit-friendly+ledits++"];
        var run = new PieBenchRun(data, PieBenchMethod.Named(names), folder["out"]);
        Assert.Empty(run.WritePlans(new() { Steps = 4, Guidance = 5 }, model.Tokenizer));
        Assert.Empty(run.Edit(model, _ => { }, CancellationToken.None));
        Assert.Equal(names.Length, Edits().Select(file => Convert.ToHexString(File.ReadAllBytes(file))).Distinct().Count());
    }

    [Fact]
    [Trait("Category", "Reference")]
    public void OnlyMeasuresByOtherModelsAreTakenAgain()
    {
        Plain(new(20, 20), 110).SavePng(folder["edit.png"]);
        var path = folder["edit.json"];
        var (source, mask) = (Plain(new(20, 20), 100), PieBenchMask.WithBorder(Plain(new(20, 20), 0)));
        using var model = new Lpips(ReferenceFolder.Require("tiny-lpips", "squeezenet.safetensors"), ReferenceFolder.Require("tiny-lpips", "lin.safetensors"));
        new PieBenchMeasures(null, null, null).Of(folder["edit.png"], Item(), () => (source, mask));
        Assert.DoesNotContain("lpips", File.ReadAllText(path));
        var one = new PieBenchMeasures(null, null, ("one", model)).Of(folder["edit.png"], Item(), () => (source, mask))["lpips"];
        new PieBenchMeasures(null, null, ("other", model)).Of(folder["edit.png"], Item(), () => (source, mask));
        Assert.Equal(one, new PieBenchMeasures(null, null, ("one", model)).Of(folder["edit.png"], Item(), () => throw new InvalidOperationException())["lpips"]);
        Assert.Contains("lpips other", File.ReadAllText(path));
    }

    public void Dispose() => folder.Dispose();

    private string[] Edits() => [.. PieBenchMethod.All.Select(method => folder[$"out/{method.Name}"]).Where(Directory.Exists).SelectMany(edits => Directory.GetFiles(edits, "*.png", SearchOption.AllDirectories))];

    private static PieBenchItem Item() => new() { Id = "0", ImagePath = "0.png", SourcePrompt = "a cat", TargetPrompt = "a dog", Type = 1, MaskRuns = [] };

    private static Image Plain(PixelSize size, byte value) => new(size.Width, size.Height, [.. Enumerable.Repeat(value, size.Width * size.Height * 3)]);
}
