using PromptToPrompt.Diffusion.Pipelines;
using PromptToPrompt.Editing.TextualInversion;
using TorchSharp;
using static TorchSharp.torch;

namespace PromptToPrompt.Editing.Tests.TextualInversion;

[Trait("Category", "Slow")]
public sealed class TextualInversionLossTests : IDisposable
{
    private readonly DisposeScope scope = NewDisposeScope();

    [Theory]
    [InlineData(false, 0, false)]
    [InlineData(false, 1, true)]
    [InlineData(true, 0, false)]
    [InlineData(true, 0, true)]
    public void TheGradientIsThatOfTheWholeModel(bool isXl, int clipSkip, bool saveMemory)
    {
        using var xl = isXl ? new TinyXlModel() : null;
        var model = (xl ?? TinyModel.Shared).Model;
        var settings = new TextualInversionSettings { Word = "<my-cat>", Initial = "cat", Vectors = 2, Batch = 3, Templates = ["a {}", "a photo of {} in a field"] };
        var word = new PlaceholderWord(model, settings);
        using var examples = new TextualInversionExamples(model, word, settings, ConceptImages.For(side: 64));
        using var batch = examples.Step(0).Single();
        // Two equal vectors would hide a mistake in their order.
        var vectors = word.InitialVectors().Select((rows, i) => rows + (0.01 * randn(rows.shape, generator: new Generator((ulong)i)))).ToList();

        var leaves = vectors.Select(rows => rows.clone().requires_grad_()).ToList();
        var text = TextConditioning.EncodeWith(model, batch.Prompts, leaves, batch.Sizes, clipSkip);
        var expected = (model.UNet.Forward(batch.Noisy, batch.Timesteps, text) - batch.Target).square().mean();
        var gradients = autograd.grad([expected], leaves);

        var loss = new TextualInversionLoss(model, clipSkip, saveMemory);
        var (value, found) = loss.Differentiate(vectors, batch);

        Assert.Equal(expected.ToDouble(), value, 1e-5 * value);
        Assert.Equal(value, loss.Of(vectors, batch), 1e-5 * value);
        for (var encoder = 0; encoder < gradients.Count; encoder++)
            AssertClose(gradients[encoder], found[encoder], 1e-4, $"gradient of encoder {encoder}");
    }

    public void Dispose() => scope.Dispose();
}
