using PromptToPrompt.Diffusion.UNet.Attention;
using static TorchSharp.torch;

namespace PromptToPrompt.Editing.Attention;

/// <summary>
/// The data that later edits need from the source run: at each step the cross-attention queries, the queries and keys of the
/// self-attention layers that may be injected, and the latents. Cross-attention keys depend only on the prompt and are kept once per layer.
/// </summary>
/// <param name="dtype">Type of the recorded activations; bfloat16 halves the memory but is not exact.</param>
/// <param name="maxBytes">Memory limit in bytes.</param>
/// <param name="selfResolution">Largest side of the self-attention layers that may be injected, in latent pixels.</param>
/// <param name="steps">Steps of the source run; the memory of all of them is known after the first.</param>
internal sealed class SourceRecording(ScalarType dtype = ScalarType.Float32, long maxBytes = 6L << 30, int selfResolution = 32, int steps = 1) : IDisposable
{
    private readonly bool keepsAllSteps = true;
    private readonly Dictionary<(int Step, int Site), Tensor> queries = [];
    private readonly Dictionary<(int Step, int Site), Tensor> keys = [];
    private readonly List<Tensor> latents = [];
    private bool isPredicted;

    private SourceRecording(ScalarType dtype, int selfResolution, bool keepsAllSteps)
        : this(dtype, long.MaxValue, selfResolution) => this.keepsAllSteps = keepsAllSteps;

    /// <summary>A recording of one step at a time, for rows of the same step that are computed after the source's.</summary>
    internal static SourceRecording OfLatestStep(ScalarType dtype, int selfResolution) => new(dtype, selfResolution, keepsAllSteps: false);

    /// <summary>Memory in use, in bytes.</summary>
    public long Bytes { get; private set; }

    /// <summary>Whether the source run needs more memory than the limit.</summary>
    public bool IsTooLarge { get; private set; }

    /// <summary>Largest side of the self-attention layers that are recorded, in latent pixels.</summary>
    public int SelfResolution => selfResolution;

    /// <summary>Whether the recording holds a complete source run.</summary>
    public bool IsComplete { get; internal set; }

    /// <summary>Latents after each step, [1, channels, h, w] each; entry 0 is the initial latents.</summary>
    public IReadOnlyList<Tensor> Latents => latents;

    internal void Write(in AttentionCall call, Tensor query, Tensor key)
    {
        var cross = call.Site.Kind == AttentionKind.Cross;
        if (!cross && call.Positions > selfResolution * selfResolution)
            return;
        Put(queries, (StepOf(call), call.Site.Index), query);
        if (!cross || !keys.ContainsKey(KeyOf(call)))
            Put(keys, KeyOf(call), key);
    }

    internal (Tensor Query, Tensor Key)? Read(in AttentionCall call, ScalarType type) =>
        queries.TryGetValue((StepOf(call), call.Site.Index), out var query) ? (query.to(type), keys[KeyOf(call)].to(type)) : null;

    internal void AddLatents(Tensor state)
    {
        latents.Add(Keep(state, ScalarType.Float32));
        // All steps take as much as the first, so a run that will not fit ends here and not near its last step.
        if (!isPredicted && queries.Count > 0)
        {
            isPredicted = true;
            RequireFits(Bytes * steps);
        }
    }

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
    private (int Step, int Site) KeyOf(in AttentionCall call) => (call.Site.Kind == AttentionKind.Cross ? 0 : StepOf(call), call.Site.Index);

    private void Put(Dictionary<(int Step, int Site), Tensor> kept, (int Step, int Site) place, Tensor tensor)
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
        if (Bytes > maxBytes)
            kept.Dispose();
        RequireFits(Bytes);
        return kept;
    }

    private void RequireFits(long bytes)
    {
        IsTooLarge |= bytes > maxBytes;
        Diffusion.InvalidInputException.Require(
            !IsTooLarge, $"Recording the source needs more than {maxBytes / (1 << 20)} MB. Record in bfloat16, use fewer steps, or run source and edits in one batch.");
    }
}
