using PromptToPrompt.Diffusion.Pipelines;
using PromptToPrompt.Evaluation.Inversions;

namespace PromptToPrompt.Evaluation.Tests.Inversions;

public sealed class RefinementTests
{
    [Fact]
    public void AndersonAccelerationComesNearestWithEquallyManyRows()
    {
        using var model = StableDiffusionModel.Load(EmbeddedModel.Folder());
        var errors = Refinement.Names.ToDictionary(name => name, name => Refinement.Measure(model, name, steps: 5, refinements: 3, images: 1, seed: 1).Error);
        Assert.Equal("Anderson", errors.MinBy(pair => pair.Value).Key);
        Assert.True(errors["Anderson"] < 0.9 * errors["plain"], $"{errors["Anderson"]} {errors["plain"]}");
        var unrefined = Refinement.Measure(model, "Anderson", steps: 5, refinements: 0, images: 1, seed: 1).Error;
        Assert.Equal(Refinement.Measure(model, "plain", steps: 5, refinements: 0, images: 1, seed: 1).Error, unrefined);
        Assert.True(errors["plain"] < unrefined);
    }

    [Fact]
    public void GradientsComeNearerMoreSlowly()
    {
        using var model = StableDiffusionModel.Load(EmbeddedModel.Folder());
        double[] errors = [.. Refinement.GradientNames.Select(name => Measure(name, refinements: 3)), Measure("plain", refinements: 0)];
        Assert.Equal(errors.Order(), new[] { errors[0], errors[2], errors[1], errors[3] });

        double Measure(string name, int refinements) => Refinement.Measure(model, name, steps: 5, refinements, images: 1, seed: 1).Error;
    }
}
