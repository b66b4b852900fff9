using SkiaSharp;

namespace PromptToPrompt.Storybook.World.Drawing;

/// <summary>Paths written as SVG path data, parsed once per painter.</summary>
internal sealed class Stencils : IDisposable
{
    private readonly Dictionary<string, SKPath> paths = [];

    public SKPath this[string data]
    {
        get
        {
            if (!paths.TryGetValue(data, out var path))
                paths.Add(data, path = SKPath.ParseSvgPathData(data) ?? throw new FormatException($"not SVG path data: {data}"));
            return path;
        }
    }

    public void Dispose()
    {
        foreach (var path in paths.Values)
            path.Dispose();
        paths.Clear();
    }
}
