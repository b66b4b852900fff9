using PromptToPrompt.Diffusion.Images;
using PromptToPrompt.Diffusion.Storage.Weights;
using PromptToPrompt.Diffusion.UNet.Attention;
using PromptToPrompt.Editing.Methods;
using static TorchSharp.torch;

namespace PromptToPrompt.Editing.Attention;

/// <summary>
/// The data that later edits need from the source run: at each step the cross-attention queries, the queries and keys of the
/// self-attention layers that may be injected, and the latents. Cross-attention keys depend only on the prompt and are kept once per layer. Other editing
/// methods keep the activations that they read.
/// </summary>
/// <param name="dtype">Type of the recorded activations; bfloat16 halves the memory but is not exact.</param>
/// <param name="selfResolution">Largest side of the self-attention layers that may be injected, in positions.</param>
/// <param name="selfUnconditional">Whether the self-attention of the unconditional row may be injected too.</param>
/// <param name="onDevice">Bytes to keep on the device. What follows is moved to page-locked memory of the machine.</param>
/// <param name="maxBytes">Most bytes. A recording that needs more keeps one step at a time and is never complete.</param>
/// <param name="crossSize">Size of the cross-attention layers that are recorded, in positions; null for all.</param>
internal sealed class SourceRecording(
    ScalarType dtype = ScalarType.Float32, int selfResolution = 32, bool selfUnconditional = false, long onDevice = long.MaxValue, long maxBytes = long.MaxValue,
    (int Height, int Width)? crossSize = null) : ISourceActivations, IDisposable
{
    private readonly Dictionary<ActivationPlace, Tensor> kept = [];
    private readonly HashSet<Tensor> onHost = new(ReferenceEqualityComparer.Instance);
    private readonly List<Tensor> latents = [];
    private bool keepsAllSteps = true;

    private SourceRecording(ScalarType dtype, int selfResolution, bool selfUnconditional, bool keepsAllSteps)
        : this(dtype, selfResolution, selfUnconditional) => this.keepsAllSteps = keepsAllSteps;

    /// <summary>A recording of one step at a time, for rows of the same step that are computed after the source's.</summary>
    internal static SourceRecording OfLatestStep(ScalarType dtype, int selfResolution, bool selfUnconditional) =>
        new(dtype, selfResolution, selfUnconditional, keepsAllSteps: false);

    /// <summary>Memory in use, in bytes.</summary>
    public long Bytes { get; private set; }

    /// <summary>Part of <see cref="Bytes"/> that is not on the device.</summary>
    public long BytesOnHost { get; private set; }

    /// <summary>Type of the recorded activations.</summary>
    public ScalarType Dtype => dtype;

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

    internal void Complete(Image image) => Image = keepsAllSteps ? image : null;

    internal void Write(in AttentionCall call, Tensor query, Tensor key, bool conditional = true)
    {
        var cross = call.Site.Kind == AttentionKind.Cross;
        if (cross ? crossSize is { } size && size != (call.Height, call.Width) : call.Positions > selfResolution * selfResolution)
            return;
        Put(QueryOf(call, conditional), query);
        if (!cross || !kept.ContainsKey(KeyOf(call, conditional)))
            Put(KeyOf(call, conditional), key);
    }

    /// <summary>The source's queries and keys of a layer, with the type and on the device of a tensor; null if they were not recorded. The caller does not dispose them.</summary>
    internal (Tensor Query, Tensor Key)? Read(in AttentionCall call, Tensor like, bool conditional = true)
    {
        return Find(QueryOf(call, conditional), like) is { } query ? (query, Find(KeyOf(call, conditional), like)!) : null;
    }

    /// <inheritdoc/>
    public void Put(ActivationPlace place, Tensor tensor)
    {
        if (keepsAllSteps && Bytes + (tensor.numel() * SafetensorsTypes.Size(dtype)) > maxBytes)
            KeepOnly(place.Step);
        place = At(place);
        if (kept.Remove(place, out var earlier))
            Free(earlier);
        kept.Add(place, Counted(Copy(tensor)));
    }

    /// <inheritdoc/>
    public Tensor? Find(ActivationPlace place, Tensor like)
    {
        if (!kept.TryGetValue(At(place), out var recorded))
            return null;
        // Only copies from page-locked memory are asynchronous; the others wait in any case.
        var there = recorded.device_type == like.device_type ? recorded : recorded.to(like.device, non_blocking: true);
        return there.dtype == like.dtype ? there : there.to(like.dtype);
    }

    internal void AddLatents(Tensor state)
    {
        if (keepsAllSteps)
            latents.Add(Counted(state.to(ScalarType.Float32, copy: true)));
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        foreach (var tensor in kept.Values.Concat(latents))
            tensor.Dispose();
        kept.Clear();
        onHost.Clear();
        latents.Clear();
    }

    private static ActivationPlace QueryOf(in AttentionCall call, bool conditional) => new(SourcePart.Query, call.Step.Index, call.Site.Index, conditional);

    // Cross-attention keys are the same at every step.
    private static ActivationPlace KeyOf(in AttentionCall call, bool conditional) =>
        new(SourcePart.Key, call.Site.Kind == AttentionKind.Cross ? 0 : call.Step.Index, call.Site.Index, conditional);

    private ActivationPlace At(ActivationPlace place) => keepsAllSteps ? place : place with { Step = 0 };

    // Later rows of the step may still read it.
    private void KeepOnly(int step)
    {
        // Cross-attention keys are kept as those of step 0.
        var here = kept.OrderByDescending(entry => entry.Key.Step == step).ToList();
        latents.ForEach(Free);
        latents.Clear();
        kept.Clear();
        keepsAllSteps = false;
        foreach (var (place, tensor) in here)
        {
            if ((place.Step != step && place.Step != 0) || !kept.TryAdd(At(place), tensor))
                Free(tensor);
        }
    }

    private void Free(Tensor tensor)
    {
        var bytes = tensor.numel() * tensor.element_size();
        Bytes -= bytes;
        if (onHost.Remove(tensor))
            BytesOnHost -= bytes;
        tensor.Dispose();
    }

    private Tensor Copy(Tensor tensor)
    {
        var bytes = tensor.numel() * SafetensorsTypes.Size(dtype);
        if (Bytes - BytesOnHost + bytes <= onDevice)
            return tensor.to(dtype, copy: true);
        BytesOnHost += bytes;
        var copy = tensor.to(dtype).to(CPU, copy: true);
        if (tensor.device_type == TorchSharp.DeviceType.CUDA)
            copy = copy.pin_memory();
        onHost.Add(copy);
        return copy;
    }

    private Tensor Counted(Tensor kept)
    {
        Bytes += kept.numel() * kept.element_size();
        return kept.DetachFromDisposeScope();
    }
}
