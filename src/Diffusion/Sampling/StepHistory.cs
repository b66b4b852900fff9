using static TorchSharp.torch;

namespace PromptToPrompt.Diffusion.Sampling;

/// <summary>
/// What a multistep algorithm remembers: a tensor of each of its last steps, newest first. It also sees to it that steps come in order,
/// since out of order they would silently mix.
/// </summary>
/// <param name="capacity">How many steps are remembered.</param>
internal sealed class StepHistory(int capacity) : IDisposable
{
    private readonly List<Tensor> tensors = [];
    private int? next;

    /// <summary>Number of remembered steps.</summary>
    public int Count => tensors.Count;

    /// <summary>The tensor remembered <paramref name="ago"/> steps ago; 0 is the newest.</summary>
    public Tensor this[int ago] => tensors[ago];

    /// <summary>Begins a step; step 0 forgets everything. The first one may be any, for runs that start midway.</summary>
    /// <exception cref="InvalidOperationException">It is not the step after the last one.</exception>
    public void Begin(int step)
    {
        if (step == 0)
            Dispose();
        if (step != (next ?? step))
            throw new InvalidOperationException($"Step {step} cannot be taken now: this sampler looks back, and the next step is {next}.");
        next = step + 1;
    }

    /// <summary>Remembers a tensor, which it owns from now on.</summary>
    public void Push(Tensor tensor)
    {
        // Remembered tensors outlive the dispose scope of the step that made them.
        tensors.Insert(0, tensor.DetachFromDisposeScope());
        if (tensors.Count <= capacity)
            return;
        tensors[^1].Dispose();
        tensors.RemoveAt(tensors.Count - 1);
    }

    /// <summary>Forgets everything.</summary>
    public void Dispose()
    {
        tensors.ForEach(tensor => tensor.Dispose());
        tensors.Clear();
        next = null;
    }
}
