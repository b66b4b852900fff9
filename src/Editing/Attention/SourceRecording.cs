using PromptToPrompt.Diffusion.Images;
using PromptToPrompt.Diffusion.UNet.Attention;
using static TorchSharp.torch;

namespace PromptToPrompt.Editing.Attention;

/// <summary>
/// The data that later edits need from the source run: at each step the cross-attention queries, the queries and keys of the
/// self-attention layers that may be injected, and the latents. Cross-attention keys depend only on the prompt and are kept once per layer.
/// </summary>
/// <param name="dtype">Type of the recorded activations; bfloat16 halves the memory but is not exact.</param>
/// <param name="selfResolution">Largest side of the self-attention layers that may be injected, in positions.</param>
/// <param name="selfUnconditional">Whether the self-attention of the unconditional row may be injected too.</param>
internal sealed class SourceRecording(ScalarType dtype = ScalarType.Float32, int selfResolution = 32, bool selfUnconditional = false) : IDisposable
{
    private readonly bool keepsAllSteps = true;
    private readonly Dictionary<(int Step, int Site, bool Conditional), Tensor> queries = [];
    private readonly Dictionary<(int Step, int Site, bool Conditional), Tensor> keys = [];
    private readonly List<Tensor> latents = [];

    private SourceRecording(ScalarType dtype, int selfResolution, bool selfUnconditional, bool keepsAllSteps)
        : this(dtype, selfResolution, selfUnconditional) => this.keepsAllSteps = keepsAllSteps;

    /// <summary>A recording of one step at a time, for rows of the same step that are computed after the source's.</summary>
    internal static SourceRecording OfLatestStep(ScalarType dtype, int selfResolution, bool selfUnconditional) =>
        new(dtype, selfResolution, selfUnconditional, keepsAllSteps: false);

    /// <summary>Memory in use, in bytes.</summary>
    public long Bytes { get; private set; }

    /// <summary>Largest side of the self-attention layers that are recorded, in positions.</summary>
    public int SelfResolution => selfResolution;

    /// <summary>Whether the self-attention of the unconditional row is recorded too.</summary>
    public bool SelfUnconditional => selfUnconditional;

    /// <summary>Whether the recording holds a complete source run.</summary>
    public bool IsComplete => Image is not null;

    /// <summary>The source's image; null until its run is complete.</summary>
    public Image? Image { get; private set; }

    /// <summary>Latents after each step, [1, channels, h, w] each; entry 0 is the initial latents.</summary>
    public IReadOnlyList<Tensor> Latents => latents;

    internal void Complete(Image image) => Image = image;

    internal void Write(in AttentionCall call, Tensor query, Tensor key, bool conditional = true)
    {
        var cross = call.Site.Kind == AttentionKind.Cross;
        if (!cross && call.Positions > selfResolution * selfResolution)
            return;
        Put(queries, (StepOf(call), call.Site.Index, conditional), query);
        if (!cross || !keys.ContainsKey(KeyOf(call, conditional)))
            Put(keys, KeyOf(call, conditional), key);
    }

    /// <summary>The source's queries and keys of a layer, in a compute type; null if they were not recorded. The caller does not dispose them.</summary>
    internal (Tensor Query, Tensor Key)? Read(in AttentionCall call, ScalarType type, bool conditional = true)
    {
        return queries.TryGetValue((StepOf(call), call.Site.Index, conditional), out var query) ? (Typed(query), Typed(keys[KeyOf(call, conditional)])) : null;

        Tensor Typed(Tensor recorded) => recorded.dtype == type ? recorded : recorded.to(type);
    }

    internal void AddLatents(Tensor state) => latents.Add(Keep(state, ScalarType.Float32));

    /// <inheritdoc/>
    public void Dispose()
    {
        foreach (var tensor in queries.Values.Concat(keys.Values).Concat(latents))
            tensor.Dispose();
        queries.Clear();
        keys.Clear();
        latents.Clear();
    }

    private int StepOf(in AttentionCall call) => keepsAllSteps ? call.Step.Index : 0;

    // Cross-attention keys are the same at every step.
    private (int Step, int Site, bool Conditional) KeyOf(in AttentionCall call, bool conditional) => (call.Site.Kind == AttentionKind.Cross ? 0 : StepOf(call), call.Site.Index, conditional);

    private void Put(Dictionary<(int Step, int Site, bool Conditional), Tensor> kept, (int Step, int Site, bool Conditional) place, Tensor tensor)
    {
        if (kept.Remove(place, out var earlier))
        {
            Bytes -= earlier.numel() * earlier.element_size();
            earlier.Dispose();
        }

        kept.Add(place, Keep(tensor));
    }

    private Tensor Keep(Tensor tensor, ScalarType? type = null)
    {
        var kept = tensor.to(type ?? dtype, copy: true).DetachFromDisposeScope();
        Bytes += kept.numel() * kept.element_size();
        return kept;
    }
}
