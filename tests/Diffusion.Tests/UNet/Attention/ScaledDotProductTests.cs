using PromptToPrompt.Diffusion.Common;
using static TorchSharp.torch;

namespace PromptToPrompt.Diffusion.Tests.UNet.Attention;

public class ScaledDotProductTests
{
    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void ProbabilitiesTimesValuesAreTheFusedAttention(bool causal)
    {
        using var scope = NewDisposeScope();
        using var random = new Generator(7);
        var query = randn([2, 3, 9, 4], generator: random);
        var key = randn([2, 3, 9, 4], generator: random);
        var value = randn([2, 3, 9, 5], generator: random);

        var probabilities = ScaledDotProduct.Probabilities(query, key, causal);

        AssertClose(ones(2, 3, 9), probabilities.sum(-1), 1e-6, "sums");
        Assert.Equal(causal, probabilities.triu(1).count_nonzero().item<long>() == 0);
        AssertClose(matmul(probabilities, value), ScaledDotProduct.Attend(query, key, value, causal), 1e-5, "attention");
    }
}
