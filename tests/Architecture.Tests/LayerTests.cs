namespace PromptToPrompt.Architecture.Tests;

public sealed class LayerTests
{
    [Theory]
    [InlineData(Layers.Diffusion)]
    [InlineData(Layers.Editing, Layers.Diffusion)]
    [InlineData(Layers.Studio, Layers.Diffusion, Layers.Editing, Layers.Cluster)]
    [InlineData(Layers.Metrics, Layers.Diffusion)]
    [InlineData(Layers.Batch, Layers.Diffusion, Layers.Editing, Layers.Metrics)]
    [InlineData(Layers.Cluster)]
    [InlineData(Layers.Command, Layers.Diffusion, Layers.Editing, Layers.Metrics, Layers.Batch, Layers.Cluster, Layers.Studio)]
    [InlineData(Layers.Storybook, Layers.Diffusion)]
    [InlineData(Layers.Evaluation, Layers.Diffusion, Layers.Editing, Layers.Metrics, Layers.Batch, Layers.Storybook)]
    public void AnAssemblySeesOnlyTheLayersBelowIt(string assembly, params string[] below) =>
        Assert.Empty(Layers.OwnReferences(assembly).Except(below));

    [Fact]
    public void NoProjectInSrcReferencesTheLaboratory()
    {
        var folder = new DirectoryInfo(AppContext.BaseDirectory);
        while (!Directory.Exists(Path.Combine(folder.FullName, "src")))
            folder = folder.Parent!;
        var projects = Directory.GetFiles(Path.Combine(folder.FullName, "src"), "*.csproj", SearchOption.AllDirectories);
        // The package has no assembly of its own.
        Assert.Equal(Layers.Product.Length + 1, projects.Length);
        Assert.All(projects, project => Assert.DoesNotMatch("lab/|lab\\\\|Storybook\\.csproj|Evaluation\\.csproj", File.ReadAllText(project)));
        Assert.All(Layers.Product, assembly => Assert.Empty(Layers.OwnReferences(assembly).Intersect(Layers.Laboratory)));
    }

    [Fact]
    public void EveryLibraryHasALayer()
    {
        var built = Directory.EnumerateFiles(AppContext.BaseDirectory, "PromptToPrompt.*.dll").Select(Path.GetFileNameWithoutExtension);
        Assert.Equal(
            Layers.Libraries.Order(),
            built.Where(name => !name!.EndsWith(".Tests", StringComparison.Ordinal) && name is not (Layers.Benchmarks or Layers.Testing)).Order());
    }

    [Theory]
    [MemberData(nameof(Libraries))]
    public void ALibraryDoesNotTalkToTheTerminal(string library) =>
        Assert.Empty(Layers.References(library).Intersect(["System.Console", "System.CommandLine", "Spectre.Console"]));

    public static TheoryData<string> Libraries() => [.. Layers.Libraries];
}
