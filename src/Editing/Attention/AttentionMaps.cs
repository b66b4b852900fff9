using PromptToPrompt.Diffusion.UNet.Attention;
using PromptToPrompt.Editing.Methods;
using static PromptToPrompt.Diffusion.Native.NativeScalar;
using static TorchSharp.torch;

namespace PromptToPrompt.Editing.Attention;

/// <summary>
/// Edited cross-attention maps, averaged over heads and over the layers of one resolution, for each step and prompt. They stay on
/// the run's device, because each copy to the CPU would stall it.
/// </summary>
/// <param name="height">Rows of the watched layers.</param>
/// <param name="width">Columns of the watched layers.</param>
public sealed class AttentionMaps(int height, int width) : IMapCollector, IDisposable
{
    private readonly Dictionary<(int Step, int Prompt), (Tensor Sum, int Layers)> maps = [];

    /// <summary>Rows of positions.</summary>
    public int Height => height;

    /// <summary>Columns of positions.</summary>
    public int Width => width;

    /// <summary>The steps that have maps, in order; edits of some inverted images skip the first steps.</summary>
    public IReadOnlyList<int> Steps => [.. maps.Keys.Select(k => k.Step).Distinct().Order()];

    /// <summary>Whether maps of this layer are collected.</summary>
    public bool Collects(in AttentionCall call) => call.Site.Kind == AttentionKind.Cross && call.Height == height && call.Width == width;

    /// <summary>The average map of a prompt over the steps up to and including one: [positions, tokens].</summary>
    /// <param name="prompt">Index of the prompt in the run; 0 is the source.</param>
    /// <param name="step">Last step to include; null for all.</param>
    public Tensor Mean(int prompt, int? step = null)
    {
        using var scope = NewDisposeScope();
        var chosen = maps.Where(m => m.Key.Prompt == prompt && m.Key.Step <= (step ?? int.MaxValue)).Select(m => m.Value.Sum / Scalar(m.Value.Layers)).ToList();
        return (chosen.Aggregate((a, b) => a.Plus(b)) / Scalar(chosen.Count)).MoveToOuterDisposeScope();
    }

    /// <summary>Whether maps of a prompt were collected; edits by concepts collect those of their prompts only if something reads them.</summary>
    internal bool Has(int prompt) => maps.Keys.Any(key => key.Prompt == prompt);

    /// <summary>The map of a prompt at one step: [positions, tokens].</summary>
    public Tensor At(int prompt, int step) => maps[(step, prompt)].Sum / Scalar(maps[(step, prompt)].Layers);

    /// <summary>The map of a prompt at one step, which is not kept.</summary>
    internal Tensor Take(int prompt, int step)
    {
        maps.Remove((step, prompt), out var taken);
        using (taken.Sum)
            return taken.Sum / Scalar(taken.Layers);
    }

    /// <summary>The mean map of some tokens: one value per position.</summary>
    /// <param name="map">[positions, tokens].</param>
    /// <param name="tokens">Token positions, at least one.</param>
    public static float[] OfTokens(Tensor map, IEnumerable<int> tokens)
    {
        using var _ = no_grad();
        using var scope = NewDisposeScope();
        var columns = tensor(tokens.Select(token => (long)token).ToArray(), device: CPU);
        return map.cpu().index_select(1, columns).mean([1]).contiguous().data<float>().ToArray();
    }

    void IMapCollector.Add(in AttentionCall call, int prompt, Tensor probabilities) => Add(call, prompt, probabilities);

    internal void Add(in AttentionCall call, int prompt, Tensor probabilities)
    {
        using var scope = NewDisposeScope();
        var map = probabilities.squeeze(0).to(ScalarType.Float32).mean([0]);
        var key = (call.Step.Index, prompt);
        if (maps.TryGetValue(key, out var sum))
        {
            sum.Sum.AddInPlace(map);
            maps[key] = (sum.Sum, sum.Layers + 1);
        }
        else
        {
            maps[key] = (map.DetachFromDisposeScope(), 1);
        }
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        foreach (var (sum, _) in maps.Values)
            sum.Dispose();
        maps.Clear();
    }
}
