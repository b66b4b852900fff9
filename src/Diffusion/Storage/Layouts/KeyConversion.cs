using PromptToPrompt.Diffusion.Storage.Weights;
using static TorchSharp.torch;

namespace PromptToPrompt.Diffusion.Storage.Layouts;

/// <summary>Converts tensors between the two layouts. Tensors are read on demand, as views if possible.</summary>
internal static class KeyConversion
{
    private const int Thirds = 3;

    /// <summary>The tensor for a diffusers name; unchanged if the original does not have the expected form.</summary>
    public static StoredWeight FromOriginal(KeyRow row, StoredWeight stored)
    {
        var shape = stored.Shape;
        return row.Form switch
        {
            KeyForm.Kernel when shape is [var outputs, var inputs, 1, 1] => View(stored, [outputs, inputs], whole => whole.reshape(outputs, inputs)),
            KeyForm.Third when shape.Count > 0 && shape[0] % Thirds == 0 => Third(stored, row.Third),
            KeyForm.Transposed when shape is [var rows, var columns] => View(stored, [columns, rows], whole => whole.t().contiguous()),
            _ => stored,
        };
    }

    /// <summary>The tensor for an original name, built from the tensors of its diffusers names.</summary>
    /// <param name="original">The original name.</param>
    /// <param name="parts">The rows with that name, and their tensors.</param>
    /// <exception cref="InvalidInputException">Queries, keys and values are not three tensors of one shape.</exception>
    public static StoredWeight ToOriginal(string original, IReadOnlyList<(KeyRow Row, StoredWeight Stored)> parts)
    {
        var (row, stored) = parts[0];
        if (row.Form == KeyForm.Third)
            return Joined(original, [.. parts.OrderBy(part => part.Row.Third).Select(part => part.Stored)]);
        return (row.Form, stored.Shape) switch
        {
            (KeyForm.Kernel, [var outputs, var inputs]) => View(stored, [outputs, inputs, 1, 1], matrix => matrix.reshape(outputs, inputs, 1, 1)),
            (KeyForm.Transposed, [var rows, var columns]) => View(stored, [columns, rows], matrix => matrix.t().contiguous()),
            _ => stored,
        };
    }

    private static StoredWeight Third(StoredWeight stored, int index)
    {
        var rows = stored.Shape[0] / Thirds;
        return View(stored, [rows, .. stored.Shape.Skip(1)], whole => whole.narrow(0, index * rows, rows));
    }

    private static StoredWeight Joined(string original, IReadOnlyList<StoredWeight> thirds)
    {
        if (thirds.Count != Thirds || thirds.Any(third => !third.Shape.SequenceEqual(thirds[0].Shape)))
            throw new InvalidInputException($"The tensors that make up \"{original}\" are not three of the same shape. The model file is corrupt. Download it again.");
        return new StoredWeight([thirds[0].Shape[0] * Thirds, .. thirds[0].Shape.Skip(1)], () =>
        {
            using var scope = NewDisposeScope();
            return cat([.. thirds.Select(third => third.Read())], 0).MoveToOuterDisposeScope();
        })
        { Type = thirds[0].Type };
    }

    private static StoredWeight View(StoredWeight stored, IReadOnlyList<long> shape, Func<Tensor, Tensor> view) => stored with
    {
        Shape = shape,
        Read = () =>
        {
            using var whole = stored.Read();
            return view(whole);
        },
    };
}
