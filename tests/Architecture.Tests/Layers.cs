using System.Reflection;

namespace PromptToPrompt.Architecture.Tests;

/// <summary>The assemblies of the product, from the lowest layer up, and what each may see.</summary>
internal static class Layers
{
    public const string Diffusion = "PromptToPrompt.Diffusion";
    public const string Editing = "PromptToPrompt.Editing";
    public const string Storybook = "PromptToPrompt.Storybook";
    public const string Evaluation = "PromptToPrompt.Evaluation";
    public const string Studio = "PromptToPrompt.Studio";
    public const string Command = "p2p";
    public const string Benchmarks = "PromptToPrompt.Benchmarks";

    public static readonly string[] Libraries = [Diffusion, Editing, Storybook, Evaluation, Studio];

    public static readonly string[] All = [.. Libraries, Command];

    public static Assembly Load(string name) => Assembly.Load(name);

    /// <summary>The product's own assemblies that one of them is compiled against.</summary>
    public static string[] ProductReferences(string name) => [.. References(name).Where(All.Contains)];

    public static string[] References(string name) => [.. Load(name).GetReferencedAssemblies().Select(reference => reference.Name!)];
}
