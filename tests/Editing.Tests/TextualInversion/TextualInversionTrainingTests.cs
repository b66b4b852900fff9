using PromptToPrompt.Diffusion;
using PromptToPrompt.Diffusion.Images;
using PromptToPrompt.Diffusion.Pipelines;
using PromptToPrompt.Diffusion.Storage.Layouts;
using PromptToPrompt.Diffusion.UNet;
using PromptToPrompt.Editing.Attention;
using PromptToPrompt.Editing.Pipelines;
using PromptToPrompt.Editing.Prompts;
using PromptToPrompt.Editing.TextualInversion;
using TorchSharp;
using static TorchSharp.torch;

namespace PromptToPrompt.Editing.Tests.TextualInversion;

[Trait("Category", "Slow")]
public sealed class TextualInversionTrainingTests(TinyModel small) : IClassFixture<TinyModel>, IDisposable
{
    private const string Word = "<my-cat>";
    private const string Prompt = $"a {Word}, in a field";
    private static readonly PixelSize Size = new(128, 128);

    private static readonly TextualInversionSettings Settings = new()
    {
        Word = Word,
        Initial = "cat",
        Templates = ["a {}", "a {} in a field"],
        Steps = 3,
        Batch = 2,
        Vectors = 2,
        LearningRate = 0.02,
    };

    private readonly TemporaryFolder folder = new();
    private readonly DisposeScope scope = NewDisposeScope();
    private readonly StableDiffusionModel model = small.Model;

    [Fact]
    public void TheLossOnExamplesThatWereNotLearnedFromFalls()
    {
        using var trained = EmbeddedModel.Load();
        using var training = Train(Settings with { Steps = 8, LearningRate = 0.04, Vectors = 1, Flip = true, Accumulation = 2 }, trained);
        Assert.Equal(8, training.Step);
        Assert.InRange(training.HeldOutLoss() / training.InitialHeldOutLoss(), 0, 0.93);
    }

    [Fact]
    public void ARunThatWasInterruptedEndsAsOneThatWasNot()
    {
        using var whole = Train(Settings);
        using (var first = Train(Settings with { Steps = 2 }))
            first.Save(folder["state"]);
        using var second = new TextualInversionTraining(model, Settings, ConceptImages.For(model));
        Assert.True(second.Resume(folder["state"]));
        Assert.Equal(2, second.Step);
        Assert.Equal([3], second.Run().Select(progress => progress.Step));

        Assert.True(whole.Word.Vectors[0].Equals(second.Word.Vectors[0]));
        using var rounded = StableDiffusionModel.Load(model.Directory, dtype: ScalarType.BFloat16);
        using var inOtherType = new TextualInversionTraining(rounded, Settings, ConceptImages.For(rounded));
        Assert.True(inOtherType.Resume(folder["state"]));
        Assert.Equal(ScalarType.Float32, inOtherType.Word.Vectors[0].dtype);

        using var other = Train(Settings with { Seed = 1 });
        Assert.False(whole.Word.Vectors[0].allclose(other.Word.Vectors[0]));
        Assert.False(other.Resume(folder["state"]));
        File.WriteAllText(folder["damaged"], "no state");
        Assert.False(other.Resume(folder["damaged"]));
    }

    [Fact]
    public void ACancelledRunStopsBetweenStepsAndKeepsWhatItHas()
    {
        using var cancellationToken = new CancellationTokenSource();
        using var training = new TextualInversionTraining(model, Settings, ConceptImages.For(model));
        Assert.Throws<OperationCanceledException>(() =>
        {
            foreach (var _ in training.Run(cancellationToken.Token))
                cancellationToken.Cancel();
        });
        Assert.Equal(1, training.Step);
    }

    // What is trained is what a prompt says later, to the last bit; and nothing else is said differently.
    [Theory]
    [InlineData(ScalarType.Float32)]
    [InlineData(ScalarType.BFloat16)]
    public void TheFileGivesTheConditioningThatWasTrained(ScalarType dtype)
    {
        using var plain = StableDiffusionModel.Load(model.Directory, dtype: dtype);
        using var training = Train(Settings with { Steps = 2 }, plain);
        training.Word.Save(folder["word.safetensors"]);
        using var loaded = Load(model.Directory, dtype);

        var said = TextConditioning.Encode(loaded, [loaded.Tokenizer.Tokenize(Prompt)], SizeConditioning.Of(Size));
        Assert.True(training.Encode(Prompt, Size).Text.Equals(said.Text));
        var emphasised = $"a ({Word}:2) in a field";
        Assert.True(training.Encode(emphasised, Size).Text.Equals(TextConditioning.Encode(loaded, [PromptReading.Read(loaded.Tokenizer, emphasised)]).Text));
        Assert.False(Encode(plain, "a cat in a field").allclose(said.Text));
        Assert.True(Encode(plain, "a cat in a field").Equals(Encode(loaded, "a cat in a field")));
        for (var id = 0; id < plain.Tokenizer.VocabularySize; id++)
            Assert.True(plain.TextEncoders[0].Model.Embedding(id).Equals(loaded.TextEncoders[0].Model.Embedding(id)));

        Tensor Encode(StableDiffusionModel by, string prompt) => TextConditioning.Encode(by, [by.Tokenizer.Tokenize(prompt)]).Text;
    }

    [Fact]
    public void TwoTextEncodersLearnTogether()
    {
        using var xl = new TinyXlModel();
        using var training = Train(Settings with { Initial = "red", Steps = 2, LearningRate = null }, xl.Model);
        Assert.Equal([[2L, 24], [2, 32]], training.Word.Vectors.Select(rows => rows.shape));
        foreach (var (rows, encoder) in training.Word.Vectors.Zip(xl.Model.TextEncoders))
        {
            var initial = encoder.Model.Embedding(xl.Model.Tokenizer.Encode("red")[1]);
            Assert.True((rows - initial).abs().min().ToDouble() > 0);
        }

        training.Word.Save(folder["word.safetensors"]);
        using var loaded = Load(xl.Model.Directory, ScalarType.Float32);
        var (trained, said) = (training.Encode(Prompt, Size), TextConditioning.Encode(loaded, [loaded.Tokenizer.Tokenize(Prompt)], SizeConditioning.Of(Size)));
        Assert.True(trained.Text.Equals(said.Text));
        Assert.True(trained.Vector!.Equals(said.Vector!));
    }

    [Fact]
    public void StepsLeaveNothingBehind()
    {
        using var training = new TextualInversionTraining(model, Settings, ConceptImages.For(model));
        using var run = training.Run().GetEnumerator();
        run.MoveNext();
        var before = Live();
        while (run.MoveNext())
        {
        }

        _ = training.HeldOutLoss();
        Assert.Equal(before, Live());

        (long, int) Live() => (DisposeScopeManager.Statistics.TensorStatistics.ThreadTotalLiveCount, scope.DisposablesView.Count());
    }

    // The word takes the cat's place in an edit as any other word would, with a weight and maps of its own.
    [Fact]
    public void TheWordIsSwappedInWeightedAndWatched()
    {
        using (var training = Train(Settings with { Steps = 1 }))
            training.Word.Save(folder["word.safetensors"]);
        using var loaded = Load(model.Directory, ScalarType.Float32);
        var source = new GenerationRequest { Prompt = "a cat in a field", Sampling = new() { Steps = 2 } };
        var edit = new EditRequest
        {
            Prompts = [$"a {Word} in a field", $"a ({Word}:2) in a field"],
            Blend = BlendWords.Parse($"cat:{Word}:{Word}"),
            BlendStart = 0,
        };
        using var result = EditRun.Execute(loaded, source, edit, new Observation { Attention = true });

        Assert.Equal(Word, result.Prompts[1].Words[1].Text);
        Assert.Equal([2, 3], result.Prompts[1].Words[1].Tokens);
        Assert.True(result.Maps!.Mean(1)[2].sum().ToDouble() > 0);
        Assert.False(result.Latents[0].allclose(result.Latents[1]));
        Assert.False(result.Latents[1].allclose(result.Latents[2]));
    }

    [Fact]
    public void WhatDoesNotFitIsOneClearLine()
    {
        Refused("already has the word", Settings with { Word = "Dog" });
        Refused("without spaces", Settings with { Word = "my cat" });
        Refused("as a weight", Settings with { Word = "(c:2)" });
        Refused("as a weight", Settings with { Word = @"\(c" });
        Refused("has 5 tokens", Settings with { Initial = "zebra" });
        Refused("Initial: \"\" is not one word", Settings with { Initial = "" });
        Refused("has no placeholder", Settings with { Templates = ["a cat"] });
        Refused("is cut off", Settings with { Templates = [string.Concat(Enumerable.Repeat("a cat ", 40)) + "{}"] });
        Refused("Vectors: 0 is out of range", Settings with { Vectors = 0 });
        Refused("LearningRate: 0 is out of range", Settings with { LearningRate = 0 });
        Refused("no images", Settings, []);
        var image = ConceptImages.For(model)[0];
        Refused("the same size", Settings, [image, image with { Image = image.Image.Resize(64, 64) }]);
        Assert.Contains("lower learning rate", Assert.Throws<InvalidInputException>(() => Train(Settings with { LearningRate = 1e30 })).Message);
    }

    [Fact]
    public void AWordThatTheLastStepBrokeIsNoticed()
    {
        using var training = Train(Settings with { Steps = 1, LearningRate = 1e30 });
        Assert.Contains("at step 1. Use float32 or a lower learning rate", Assert.Throws<InvalidInputException>(() => training.HeldOutLoss()).Message);
    }

    [Fact]
    public void AnImageSaysWhatItWasBeforeItWasFramed()
    {
        var photo = new Image(400, 200, new byte[400 * 200 * 3]);
        var framed = ExampleImage.Of(photo, Framing.Create(FramingKind.Crop, photo.Size, new PixelSize(100, 100), 8), "a {}");
        Assert.Equal(new SizeConditioning(photo.Size, CropTop: 0, CropLeft: 50, framed.Image.Size), framed.Sizes);
        Assert.Equal(new PixelSize(100, 100), framed.Image.Size);
    }

    public void Dispose()
    {
        scope.Dispose();
        folder.Dispose();
    }

    private StableDiffusionModel Load(string directory, ScalarType dtype) =>
        StableDiffusionModel.Load(directory, dtype: dtype, options: new ModelLoadOptions { Embeddings = [new TextEmbedding(folder["word.safetensors"])] });

    private TextualInversionTraining Train(TextualInversionSettings settings, StableDiffusionModel? by = null)
    {
        by ??= model;
        var training = new TextualInversionTraining(by, settings, ConceptImages.For(by));
        foreach (var _ in training.Run())
        {
        }

        return training;
    }

    private void Refused(string reason, TextualInversionSettings settings, IReadOnlyList<ExampleImage>? images = null) => Assert.Contains(
        reason, Assert.Throws<InvalidInputException>(() => new TextualInversionTraining(model, settings, images ?? ConceptImages.For(model))).Message);
}
