using static TorchSharp.torch;

namespace PromptToPrompt.Diffusion.Storage.Pickles;

/// <summary>A tuple.</summary>
internal sealed record PickleTuple(IReadOnlyList<object?> Items);

/// <summary>A list or a set.</summary>
internal sealed class PickleList
{
    public List<object?> Items { get; } = [];
}

/// <summary>A dictionary as a list of its entries: keys may be of any type, so nothing is hashed.</summary>
internal sealed class PickleDictionary
{
    public List<KeyValuePair<object?, object?>> Items { get; } = [];

    /// <summary>The last value of a string key, as in Python; null if there is none.</summary>
    public object? this[string key] => Items.FindLast(item => item.Key is string text && text == key).Value;
}

/// <summary>A storage: a run of numbers in the archive.</summary>
internal sealed record PickleStorage(ScalarType Type, int ElementSize, ZipEntry Entry, long Count);

/// <summary>A tensor: a view of a storage, checked to lie inside it.</summary>
internal sealed record PickleTensor(PickleStorage Storage, long Offset, long[] Shape, long[] Strides);

/// <summary>Placeholder for values that are not needed: a NumPy number, a device.</summary>
internal sealed class PickleNothing
{
    public static PickleNothing Instance { get; } = new();

    private PickleNothing()
    {
    }
}
