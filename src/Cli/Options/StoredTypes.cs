using TorchSharp;

namespace PromptToPrompt.Cli.Options;

/// <summary>The types that weights are written in.</summary>
internal static class StoredTypes
{
    private static readonly (string Name, torch.ScalarType Type)[] All =
    [
        ("float16", torch.ScalarType.Float16),
        ("float32", torch.ScalarType.Float32),
        ("bfloat16", torch.ScalarType.BFloat16),
    ];

    public static IReadOnlyList<string> Names { get; } = [.. All.Select(type => type.Name)];

    public static torch.ScalarType Parse(string name) => Array.Find(All, type => type.Name == name).Type;
}
