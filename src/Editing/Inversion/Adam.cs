using static PromptToPrompt.Diffusion.Native.NativeScalar;
using static TorchSharp.torch;

namespace PromptToPrompt.Editing.Inversion;

/// <summary>
/// Adam (Kingma and Ba 2014, arXiv 1412.6980) with its default constants, for one tensor, with optional decoupled weight decay
/// (Loshchilov and Hutter, arXiv 1711.05101). It owns its tensors, regardless of the dispose scope it is created in.
/// </summary>
internal sealed class Adam : IDisposable
{
    private const double Beta1 = 0.9, Beta2 = 0.999, Epsilon = 1e-8;

    /// <summary>Starts from a value, which is copied.</summary>
    public Adam(Tensor value)
        : this(value, zeros_like(value), zeros_like(value), steps: 0)
    {
    }

    /// <summary>Resumes from a saved state.</summary>
    /// <param name="value">The value; copied, like the moments.</param>
    /// <param name="first">First moment.</param>
    /// <param name="second">Second moment.</param>
    /// <param name="steps">Number of steps taken so far.</param>
    public Adam(Tensor value, Tensor first, Tensor second, int steps)
    {
        (Value, First, Second, Steps) = (Own(value), Own(first), Own(second), steps);

        static Tensor Own(Tensor tensor) => tensor.clone().DetachFromDisposeScope();
    }

    public Tensor Value { get; }

    public Tensor First { get; }

    public Tensor Second { get; }

    public int Steps { get; private set; }

    /// <summary>Takes a step.</summary>
    /// <param name="gradient">The gradient at <see cref="Value"/>.</param>
    /// <param name="rate">The learning rate.</param>
    /// <param name="decay">Weight decay: the value is scaled by 1 − rate·decay.</param>
    public void Step(Tensor gradient, double rate, double decay = 0)
    {
        using var scope = NewDisposeScope();
        Steps++;
        First.mul_(Scalar(Beta1)).add_(gradient, alpha: Scalar(1 - Beta1));
        Second.mul_(Scalar(Beta2)).addcmul_(gradient, gradient, Scalar(1 - Beta2));
        var scale = Second.sqrt().div_(Scalar(Math.Sqrt(1 - Math.Pow(Beta2, Steps)))).AddInPlace(Scalar(Epsilon));
        if (decay > 0)
            Value.mul_(Scalar(1 - (rate * decay)));
        Value.addcdiv_(First, scale, Scalar(-rate / (1 - Math.Pow(Beta1, Steps))));
    }

    public void Dispose()
    {
        Value.Dispose();
        First.Dispose();
        Second.Dispose();
    }
}
