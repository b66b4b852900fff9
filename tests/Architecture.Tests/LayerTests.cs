namespace PromptToPrompt.Architecture.Tests;

public sealed class LayerTests
{
    [Theory]
    [InlineData(Layers.Diffusion)]
    [InlineData(Layers.Editing, Layers.Diffusion)]
    [InlineData(Layers.Storybook, Layers.Diffusion, Layers.Editing)]
    [InlineData(Layers.Evaluation, Layers.Diffusion, Layers.Editing, Layers.Storybook)]
    [InlineData(Layers.Studio, Layers.Diffusion, Layers.Editing, Layers.Storybook, Layers.Evaluation)]
    public void A_library_sees_only_the_layers_below_it(string library, params string[] below) =>
        Assert.Empty(Layers.ProductReferences(library).Except(below));

    [Fact]
    public void Every_library_of_the_product_has_a_layer()
    {
        var built = Directory.EnumerateFiles(AppContext.BaseDirectory, "PromptToPrompt.*.dll").Select(Path.GetFileNameWithoutExtension);
        Assert.Equal(Layers.Libraries.Order(), built.Where(name => !name!.EndsWith(".Tests", StringComparison.Ordinal) && name != Layers.Benchmarks).Order());
    }

    [Theory]
    [MemberData(nameof(Libraries))]
    public void A_library_does_not_talk_to_the_terminal(string library) =>
        Assert.Empty(Layers.References(library).Intersect(["System.Console", "System.CommandLine", "Spectre.Console"]));

    public static TheoryData<string> Libraries() => [.. Layers.Libraries];
}
