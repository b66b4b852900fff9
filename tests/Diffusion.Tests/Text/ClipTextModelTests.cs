using PromptToPrompt.Diffusion.Tests.Pipelines;
using PromptToPrompt.Diffusion.Text;
using static TorchSharp.torch;

namespace PromptToPrompt.Diffusion.Tests.Text;

public class ClipTextModelTests
{
    [Theory]
    [InlineData("tiny-sd15", "text", "text_encoder")]
    [InlineData("tiny-sd21", "text_encoder", "text_encoder")]
    [InlineData("tiny-sdxl", "text_encoder", "text_encoder")]
    [InlineData("tiny-sdxl", "text_encoder_2", "text_encoder_2")]
    public void EveryLayerMatchesTheReference(string name, string prefix, string part)
    {
        using var reference = new ReferenceModel(name);
        using var scope = NewDisposeScope();
        using var inference = no_grad();
        var weights = reference.Stored(part);
        var model = new ClipTextModel(ClipTextConfig.FromFile(reference.Config(part)), weights.Root);
        weights.RequireAllUsed();
        var goldens = reference.Goldens("text");
        var ids = goldens.Read($"{prefix}.input_ids");
        var hidden = new List<Tensor>();

        var output = model.Forward(ids, hidden);

        Assert.Equal(goldens.Tensors.Keys.Count(k => k.StartsWith($"{prefix}.hidden_states.", StringComparison.Ordinal)), hidden.Count);
        for (var i = 0; i < hidden.Count; i++)
            ReferenceModel.AssertClose(goldens, $"{prefix}.hidden_states.{i}", hidden[i]);
        ReferenceModel.AssertClose(goldens, $"{prefix}.last_hidden_state", output);
        ReferenceModel.AssertClose(goldens, $"{prefix}.last_hidden_state", model.Forward(ids));
    }

    [Fact]
    public void TokensDoNotSeeLaterOnes()
    {
        using var reference = new ReferenceModel("tiny-sd21");
        using var scope = NewDisposeScope();
        using var inference = no_grad();
        var model = new ClipTextModel(ClipTextConfig.FromFile(reference.Config("text_encoder")), reference.Stored("text_encoder").Root);
        var full = model.Forward(tensor(new long[,] { { 49406, 320, 2368, 525, 49407 } }));
        var start = model.Forward(tensor(new long[,] { { 49406, 320, 2368 } }));

        Assert.True(allclose(full.slice(1, 0, 3, 1), start, atol: 1e-5));
    }
}
