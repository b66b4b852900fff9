using static TorchSharp.torch;

namespace PromptToPrompt.Diffusion.Sampling;

/// <summary>
/// The history of a multistep algorithm: one tensor for each of its last steps, newest first. It also enforces the order of steps,
/// because steps out of order would silently mix.
/// </summary>
/// <param name="capacity">Maximum number of steps in the history.</param>
internal sealed class StepHistory(int capacity) : IDisposable
{
    private readonly List<Tensor> tensors = [];
    private int? next;

    /// <summary>Number of steps in the history.</summary>
    public int Count => tensors.Count;

    /// <summary>The tensor stored <paramref name="ago"/> steps ago; 0 is the newest.</summary>
    public Tensor this[int ago] => tensors[ago];

    /// <summary>Starts a step; step 0 clears the history. The first step may have any index, for runs that start midway.</summary>
    /// <exception cref="InvalidOperationException">The step does not follow the last one.</exception>
    public void Begin(int step)
    {
        if (step == 0)
            Dispose();
        if (step != (next ?? step))
            throw new InvalidOperationException($"Step {step} is out of order: this scheduler depends on earlier steps, and the next step is {next}.");
        next = step + 1;
    }

    /// <summary>Stores a tensor and takes ownership of it.</summary>
    public void Push(Tensor tensor)
    {
        // Stored tensors outlive the dispose scope of the step that made them.
        tensors.Insert(0, tensor.DetachFromDisposeScope());
        if (tensors.Count <= capacity)
            return;
        tensors[^1].Dispose();
        tensors.RemoveAt(tensors.Count - 1);
    }

    /// <summary>Clears the history.</summary>
    public void Dispose()
    {
        tensors.ForEach(tensor => tensor.Dispose());
        tensors.Clear();
        next = null;
    }
}
