using System.Buffers.Binary;
using System.Text;

namespace PromptToPrompt.Diffusion.Storage.Pickles;

/// <summary>
/// Reads pickles of tensors and plain containers. It knows only the instructions for these and the names in
/// <see cref="PickleGlobal"/>, creates no class instances and executes no code. Everything else is rejected, by name. It does not recurse,
/// and its work and memory are limited by the length of the pickle.
/// </summary>
/// <remarks>The instructions are those of Python's <c>pickletools</c>, protocols 2 to 5.</remarks>
internal ref struct PickleReader
{
    // A complete checkpoint with its optimizer needs fewer than 200 000.
    private const int MaxInstructions = 4_000_000;
    private const int HighestProtocol = 5;

    // The maximum that libtorch can iterate over.
    private const int MaxDimensions = 64;

    // Older files have a sixth item, None for a storage that is not a view of another. The same tuple can be read any number of times.
    private const int MaxStorageItems = 6;

    private readonly string path;
    private readonly Func<string, ZipEntry?> entryOf;
    private readonly List<(string Key, PickleStorage Storage)> storages = [];
    private readonly List<object?> stack = [];
    private readonly List<int> marks = [];
    private readonly Dictionary<uint, object?> memo = [];
    private ReadOnlySpan<byte> rest;
    private int left = MaxInstructions;

    private PickleReader(string path, ReadOnlySpan<byte> pickle, Func<string, ZipEntry?> entryOf)
    {
        this.path = path;
        this.entryOf = entryOf;
        rest = pickle;
    }

    /// <summary>Reads a pickle.</summary>
    /// <param name="path">The file's name in errors.</param>
    /// <param name="pickle">The pickle.</param>
    /// <param name="entryOf">Finds the archive entry for a storage's key.</param>
    /// <returns>
    /// The content: null, <see cref="bool"/>, <see cref="long"/>, <see cref="double"/>, <see cref="string"/>, or one of the types of
    /// <c>PickleValues</c>.
    /// </returns>
    /// <exception cref="InvalidInputException">The pickle is damaged, or uses something that checkpoints do not need.</exception>
    public static object? Read(string path, ReadOnlySpan<byte> pickle, Func<string, ZipEntry?> entryOf) => new PickleReader(path, pickle, entryOf).Run();

    /// <summary>Reads the first of several pickles, and lists the storages that it names.</summary>
    /// <param name="path">The file's name in errors.</param>
    /// <param name="pickles">The pickles.</param>
    /// <param name="entryOf">Finds the place of a storage's data by its key.</param>
    /// <param name="length">The length of the first pickle.</param>
    /// <param name="storages">Its storages with their keys, in the order of the pickle.</param>
    /// <inheritdoc cref="Read(string, ReadOnlySpan{byte}, Func{string, ZipEntry?})"/>
    public static object? Read(
        string path, ReadOnlySpan<byte> pickles, Func<string, ZipEntry?> entryOf, out int length, out IReadOnlyList<(string Key, PickleStorage Storage)> storages)
    {
        var reader = new PickleReader(path, pickles, entryOf);
        var content = reader.Run();
        length = pickles.Length - reader.rest.Length;
        storages = reader.storages;
        return content;
    }

    private object? Run()
    {
        while (true)
        {
            Spend(1);
            var instruction = Bytes(1)[0];
            if (instruction == '.')
                return Pop();
            Step(instruction);
        }
    }

    private void Spend(int work)
    {
        left -= work;
        if (left < 0)
            throw Invalid("it has too many instructions for a checkpoint");
    }

    private void Step(byte instruction)
    {
        switch (instruction)
        {
            case 0x80: // PROTO
                if (Bytes(1)[0] is var protocol && protocol > HighestProtocol)
                    throw Invalid($"it uses protocol {protocol}");
                break;
            case 0x95: // FRAME: a length that is not needed, because the whole pickle is in memory
                Bytes(8);
                break;
            case (byte)'(': // MARK
                marks.Add(stack.Count);
                break;
            case (byte)'0': // POP
                Pop();
                break;
            case (byte)'1': // POP_MARK
                PopMark();
                break;
            case (byte)'2': // DUP
                stack.Add(Top());
                break;
            case (byte)'N':
                stack.Add(null);
                break;
            case 0x88:
                stack.Add(true);
                break;
            case 0x89:
                stack.Add(false);
                break;
            case (byte)'J': // BININT
                stack.Add((long)BinaryPrimitives.ReadInt32LittleEndian(Bytes(4)));
                break;
            case (byte)'K': // BININT1
                stack.Add((long)Bytes(1)[0]);
                break;
            case (byte)'M': // BININT2
                stack.Add((long)BinaryPrimitives.ReadUInt16LittleEndian(Bytes(2)));
                break;
            case 0x8a: // LONG1
                stack.Add(Long(Bytes(Bytes(1)[0])));
                break;
            case (byte)'G': // BINFLOAT
                stack.Add(BinaryPrimitives.ReadDoubleBigEndian(Bytes(8)));
                break;
            case (byte)'X': // BINUNICODE
            case (byte)'T': // BINSTRING
            case (byte)'B': // BINBYTES
                stack.Add(Text(Length32()));
                break;
            case 0x8c: // SHORT_BINUNICODE
            case (byte)'U': // SHORT_BINSTRING
            case (byte)'C': // SHORT_BINBYTES
                stack.Add(Text(Bytes(1)[0]));
                break;
            case (byte)')': // EMPTY_TUPLE
                stack.Add(new PickleTuple([]));
                break;
            case (byte)'t': // TUPLE
                stack.Add(new PickleTuple(PopMark()));
                break;
            case 0x85 or 0x86 or 0x87: // TUPLE1 to TUPLE3
                stack.Add(new PickleTuple(Pop(instruction - 0x84)));
                break;
            case (byte)']' or 0x8f: // EMPTY_LIST, EMPTY_SET
                stack.Add(new PickleList());
                break;
            case (byte)'l': // LIST
                Add(PopMark(), new PickleList());
                break;
            case (byte)'a': // APPEND
                Add(Pop(1), Pop<PickleList>("a list"));
                break;
            case (byte)'e' or 0x90: // APPENDS, ADDITEMS
                Add(PopMark(), Pop<PickleList>("a list"));
                break;
            case (byte)'}': // EMPTY_DICT
                stack.Add(new PickleDictionary());
                break;
            case (byte)'d': // DICT
                Set(PopMark(), new PickleDictionary());
                break;
            case (byte)'s': // SETITEM
                Set(Pop(2), Pop<PickleDictionary>("a dictionary"));
                break;
            case (byte)'u': // SETITEMS
                Set(PopMark(), Pop<PickleDictionary>("a dictionary"));
                break;
            case (byte)'q': // BINPUT
                memo[Bytes(1)[0]] = Top();
                break;
            case (byte)'r': // LONG_BINPUT
                memo[BinaryPrimitives.ReadUInt32LittleEndian(Bytes(4))] = Top();
                break;
            case 0x94: // MEMOIZE
                memo[(uint)memo.Count] = Top();
                break;
            case (byte)'h': // BINGET
                Recall(Bytes(1)[0]);
                break;
            case (byte)'j': // LONG_BINGET
                Recall(BinaryPrimitives.ReadUInt32LittleEndian(Bytes(4)));
                break;
            case (byte)'c': // GLOBAL
                Global(Line(), Line());
                break;
            case 0x93: // STACK_GLOBAL
                var name = Pop<string>("a name");
                Global(Pop<string>("a module"), name);
                break;
            case (byte)'Q': // BINPERSID
                stack.Add(Storage(Pop<PickleTuple>("a storage")));
                break;
            case (byte)'R': // REDUCE
                var arguments = Pop<PickleTuple>("arguments");
                stack.Add(Call(Pop<PickleGlobal>("a name"), arguments));
                break;
            case (byte)'b': // BUILD: attributes of a dictionary, such as the versions of a state_dict
                Pop();
                if (Top() is not (PickleDictionary or PickleNothing))
                    throw Invalid("it sets the state of something that is not a plain container");
                break;
            default:
                throw Invalid($"it uses the instruction 0x{instruction:x2}, which tensors and plain containers do not need");
        }
    }

    private object? Call(PickleGlobal callee, PickleTuple arguments) => (callee.Role, arguments.Items) switch
    {
        (PickleRole.Dictionary, []) => new PickleDictionary(),
        (PickleRole.Dictionary, [PickleList pairs]) => Pairs(pairs),
        (PickleRole.Set, []) => new PickleList(),
        (PickleRole.Set, [PickleList items]) => items,
        (PickleRole.Tensor, [PickleStorage storage, long offset, PickleTuple shape, PickleTuple strides, ..]) => TensorOf(storage, offset, Numbers(shape), Numbers(strides)),
        (PickleRole.First, [var first, ..]) => first,
        (PickleRole.Nothing, _) => PickleNothing.Instance,
        _ => throw Invalid($"it calls \"{callee.FullName}\" in a way that a checkpoint does not"),
    };

    private readonly PickleTensor TensorOf(PickleStorage storage, long offset, long[] shape, long[] strides)
    {
        if (shape.Length != strides.Length || offset < 0 || Array.Exists(shape, size => size < 0) || Array.Exists(strides, stride => stride < 0))
            throw Invalid($"it describes an impossible tensor of shape [{string.Join(", ", shape.Take(8))}]");
        // Sizes of 0 count as 1 here, because the strides must fit as well. The number of elements is limited by the storage, so nothing
        // can be stored once and repeated.
        Int128 count = 1, last = offset;
        for (var i = 0; i < shape.Length && count <= storage.Count; i++)
        {
            count *= Math.Max(shape[i], 1);
            last += (Int128)Math.Max(shape[i] - 1, 0) * strides[i];
        }

        var isInside = shape.Contains(0) ? count <= Math.Max(storage.Count, 1) && offset <= storage.Count : count <= storage.Count && last < storage.Count;
        return isInside ? new PickleTensor(storage, offset, shape, strides)
            : throw Invalid($"a tensor of shape [{string.Join(", ", shape.Take(8))}] does not fit into its storage of {storage.Count} numbers");
    }

    private readonly PickleStorage Storage(PickleTuple id)
    {
        if (id.Items is not ["storage", PickleGlobal { Role: PickleRole.Storage } type, string key, string, long count, ..]
            || id.Items.Count > MaxStorageItems || id.Items.Skip(5).Any(view => view is not null))
            throw Invalid("it refers to something that is not a storage");
        if (entryOf(key) is not { } entry)
            throw Invalid($"the storage \"{PickleText.OneLine(key)}\" is not in the archive; it is truncated or damaged");
        if (count < 0 || count > entry.Length / type.ElementSize)
            throw Invalid($"the storage \"{PickleText.OneLine(key)}\" should have {count} numbers but has {entry.Length} bytes");
        var storage = new PickleStorage(type.Type, type.ElementSize, entry, count);
        storages.Add((key, storage));
        return storage;
    }

    private PickleDictionary Pairs(PickleList pairs)
    {
        // The same list can be read from the memo any number of times.
        Spend(pairs.Items.Count);
        var dictionary = new PickleDictionary();
        foreach (var pair in pairs.Items)
        {
            var (key, value) = pair switch
            {
                PickleTuple { Items: [var first, var second] } => (first, second),
                PickleList { Items: [var first, var second] } => (first, second),
                _ => throw Invalid("it creates a dictionary from something that is not a list of pairs"),
            };
            dictionary.Items.Add(new(key, value));
        }

        return dictionary;
    }

    private readonly long[] Numbers(PickleTuple tuple) =>
        tuple.Items.Count <= MaxDimensions && tuple.Items.All(item => item is long) ? [.. tuple.Items.Select(item => (long)item!)] : throw Invalid("the size of a tensor is not a short list of whole numbers");

    private readonly void Global(string module, string name) => stack.Add(PickleGlobal.Find(module, name) ?? throw new InvalidInputException(
        $"{path} uses \"{PickleText.OneLine($"{module}.{name}")}\", which checkpoints do not need and which could execute arbitrary code. It was not executed. Get the model as .safetensors."));

    private readonly void Add(IReadOnlyList<object?> items, PickleList list)
    {
        list.Items.AddRange(items);
        stack.Add(list);
    }

    private readonly void Set(IReadOnlyList<object?> items, PickleDictionary dictionary)
    {
        if (items.Count % 2 != 0)
            throw Invalid("a dictionary has a key without a value");
        for (var i = 0; i < items.Count; i += 2)
            dictionary.Items.Add(new(items[i], items[i + 1]));
        stack.Add(dictionary);
    }

    private readonly void Recall(uint index) =>
        stack.Add(memo.TryGetValue(index, out var value) ? value : throw Invalid("it reads a memo entry before it is written"));

    // Values below a mark belong to an enclosing container.
    private readonly int Floor => marks.Count > 0 ? marks[^1] : 0;

    private readonly object? Top() => stack.Count > Floor ? stack[^1] : throw Invalid("it reads from an empty stack");

    private readonly object? Pop()
    {
        var top = Top();
        stack.RemoveAt(stack.Count - 1);
        return top;
    }

    private readonly T Pop<T>(string wanted)
        where T : class => Pop() as T ?? throw Invalid($"it lacks {wanted} where one is required");

    private readonly object?[] Pop(int count)
    {
        var items = new object?[count];
        for (var i = count - 1; i >= 0; i--)
            items[i] = Pop();
        return items;
    }

    private readonly object?[] PopMark()
    {
        if (marks.Count == 0)
            throw Invalid("it ends a list that was never started");
        object?[] items = [.. stack[marks[^1]..]];
        stack.RemoveRange(marks[^1], items.Length);
        marks.RemoveAt(marks.Count - 1);
        return items;
    }

    // Integers of more than 64 bits are not needed; a placeholder keeps their position.
    private static object Long(ReadOnlySpan<byte> bytes)
    {
        if (bytes.Length > sizeof(long))
            return PickleNothing.Instance;
        long value = bytes.Length > 0 && bytes[^1] >= 0x80 ? -1 : 0;
        for (var i = bytes.Length - 1; i >= 0; i--)
            value = (value << 8) | bytes[i];
        return value;
    }

    private string Line()
    {
        var end = rest.IndexOf((byte)'\n');
        if (end < 0)
            throw Truncated();
        var line = Encoding.UTF8.GetString(rest[..end]);
        rest = rest[(end + 1)..];
        return line;
    }

    private string Text(long length) => Encoding.UTF8.GetString(Bytes(length));

    private long Length32() => BinaryPrimitives.ReadUInt32LittleEndian(Bytes(4));

    private ReadOnlySpan<byte> Bytes(long length)
    {
        if (length > rest.Length)
            throw Truncated();
        var bytes = rest[..(int)length];
        rest = rest[(int)length..];
        return bytes;
    }

    private readonly InvalidInputException Truncated() => Invalid("it is truncated");

    private readonly InvalidInputException Invalid(string what) => new($"{path} is not a readable checkpoint. Its pickle is invalid: {what}.");
}
