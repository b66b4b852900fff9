using PromptToPrompt.Diffusion.Images;
using PromptToPrompt.Diffusion.Storage.Weights;
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
/// <param name="onDevice">Bytes to keep on the device. What follows is moved to page-locked memory of the machine.</param>
internal sealed class SourceRecording(
    ScalarType dtype = ScalarType.Float32, int selfResolution = 32, bool selfUnconditional = false, long onDevice = long.MaxValue) : IDisposable
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

    /// <summary>Part of <see cref="Bytes"/> that is not on the device.</summary>
    public long BytesOnHost { get; private set; }

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

    /// <summary>The source's queries and keys of a layer, with the type and on the device of a tensor; null if they were not recorded. The caller does not dispose them.</summary>
    internal (Tensor Query, Tensor Key)? Read(in AttentionCall call, Tensor like, bool conditional = true)
    {
        return queries.TryGetValue((StepOf(call), call.Site.Index, conditional), out var query) ? (Ready(query), Ready(keys[KeyOf(call, conditional)])) : null;

        // Only copies from page-locked memory are asynchronous; the others wait in any case.
        Tensor Ready(Tensor recorded)
        {
            var there = recorded.device_type == like.device_type ? recorded : recorded.to(like.device, non_blocking: true);
            return there.dtype == like.dtype ? there : there.to(like.dtype);
        }
    }

    internal void AddLatents(Tensor state) => latents.Add(Counted(state.to(ScalarType.Float32, copy: true)));

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

        kept.Add(place, Counted(Copy(tensor)));
    }

    private Tensor Copy(Tensor tensor)
    {
        var bytes = tensor.numel() * SafetensorsTypes.Size(dtype);
        if (Bytes - BytesOnHost + bytes <= onDevice)
            return tensor.to(dtype, copy: true);
        BytesOnHost += bytes;
        var copy = tensor.to(dtype).to(CPU, copy: true);
        return tensor.device_type == TorchSharp.DeviceType.CUDA ? copy.pin_memory() : copy;
    }

    private Tensor Counted(Tensor kept)
    {
        Bytes += kept.numel() * kept.element_size();
        return kept.DetachFromDisposeScope();
    }
}
