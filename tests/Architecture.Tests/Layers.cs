using System.Reflection;

namespace PromptToPrompt.Architecture.Tests;

/// <summary>The assemblies of the product and of the laboratory, each from the lowest layer up.</summary>
internal static class Layers
{
    public const string Diffusion = "PromptToPrompt.Diffusion";
    public const string Editing = "PromptToPrompt.Editing";
    public const string Metrics = "PromptToPrompt.Metrics";
    public const string Batch = "PromptToPrompt.Batch";
    public const string Cluster = "PromptToPrompt.Cluster";
    public const string Studio = "PromptToPrompt.Studio";
    public const string Command = "p2p";

    public const string Storybook = "PromptToPrompt.Storybook";
    public const string Evaluation = "PromptToPrompt.Evaluation";
    public const string LabCommand = "p2p-lab";
    public const string Benchmarks = "PromptToPrompt.Benchmarks";

    /// <summary>What the test projects share.</summary>
    public const string Testing = "PromptToPrompt.Testing";

    public static readonly string[] Product = [Diffusion, Editing, Metrics, Batch, Cluster, Studio, Command];

    public static readonly string[] Laboratory = [Storybook, Evaluation, LabCommand];

    public static readonly string[] Libraries = [Diffusion, Editing, Metrics, Batch, Cluster, Studio, Storybook, Evaluation];

    public static readonly string[] All = [.. Product, .. Laboratory];

    public static Assembly Load(string name) => Assembly.Load(name);

    /// <summary>The project's own assemblies that one of them is compiled against.</summary>
    public static string[] OwnReferences(string name) => [.. References(name).Where(All.Contains)];

    public static string[] References(string name) => [.. Load(name).GetReferencedAssemblies().Select(reference => reference.Name!)];
}
