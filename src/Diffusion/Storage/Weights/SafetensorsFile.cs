using PromptToPrompt.Diffusion.Native;
using static PromptToPrompt.Diffusion.Native.NativeScalar;
using static TorchSharp.torch;

namespace PromptToPrompt.Diffusion.Storage.Weights;

/// <summary>
/// A safetensors file, mapped into memory: opening it reads only the header, and its tensors use the mapping without copying.
/// </summary>
/// <remarks>
/// Tensors stay valid after the file is disposed; the mapping ends with the last of them. Instances can be read from several threads.
/// Format: https://github.com/huggingface/safetensors#format.
/// </remarks>
internal sealed class SafetensorsFile : IDisposable
{
    // Enough to identify other file types.
    private const int Beginning = 1 << 12;

    private readonly MappedFile file;

    private SafetensorsFile(string path, MappedFile file, SafetensorsHeader header)
    {
        Path = path;
        this.file = file;
        Metadata = header.Metadata;
        Tensors = header.Tensors;
    }

    /// <summary>Path of the file.</summary>
    public string Path { get; }

    /// <summary>The file's metadata; empty if there is none.</summary>
    public IReadOnlyDictionary<string, string> Metadata { get; }

    /// <summary>The tensors by name, in the order of the header.</summary>
    public IReadOnlyDictionary<string, SafetensorsEntry> Tensors { get; }

    /// <summary>Opens a file and validates its header completely.</summary>
    /// <exception cref="InvalidInputException">The file cannot be read or violates the format; the message states the rule and the
    /// place.</exception>
    public static SafetensorsFile Open(string path)
    {
        var file = Map(path);
        try
        {
            var length = SafetensorsHeader.JsonLength(path, file.Span(0, (int)Math.Min(file.Length, Beginning)), file.Length);
            var json = file.Span(SafetensorsHeader.PrefixLength, length);
            return new SafetensorsFile(path, file, SafetensorsHeader.Parse(path, json, file.Length));
        }
        catch
        {
            file.Dispose();
            throw;
        }
    }

    /// <summary>
    /// Reads a tensor on the CPU, in the file's type. It uses the file's pages and needs no additional memory. Only data that is
    /// not aligned for its type, <c>BOOL</c>, and eight-bit floats, which become float16, are copied. Writing to the tensor does not
    /// change the file.
    /// </summary>
    /// <exception cref="InvalidInputException">The file has no such tensor.</exception>
    public Tensor Read(string name)
    {
        if (!Tensors.TryGetValue(name, out var entry))
            throw new InvalidInputException($"{Path} has no tensor \"{name}\": it is not the required checkpoint.");
        if (entry.Packing is { } packing)
        {
            using var codes = file.Tensor(entry.Offset, entry.Length, ScalarType.Byte, 1);
            using var halves = Float8Numbers.ToHalf(codes, packing);
            return halves.reshape(entry.Shape);
        }

        // Bytes other than 0 and 1 are not valid in a C++ bool, but the format allows them.
        var isBool = entry.DType == ScalarType.Bool;
        var type = isBool ? ScalarType.Byte : entry.DType;
        var size = SafetensorsTypes.Size(type);
        using var flat = file.Tensor(entry.Offset, entry.Length / size, type, size);
        if (!isBool)
            return flat.reshape(entry.Shape);
        using var truth = flat.ne(Scalar(0));
        return truth.reshape(entry.Shape);
    }

    /// <summary>Closes the file. Tensors already read stay valid.</summary>
    public void Dispose() => file.Dispose();

    private static MappedFile Map(string path)
    {
        try
        {
            if (Directory.Exists(path))
                throw new InvalidInputException($"{path} is a directory. Use the path of a safetensors file.");
            // Empty files cannot be mapped.
            if (new FileInfo(path) is { Exists: true, Length: 0 })
                SafetensorsHeader.JsonLength(path, [], fileLength: 0);
            return MappedFile.Open(path);
        }
        catch (Exception e) when (e is FileNotFoundException or DirectoryNotFoundException)
        {
            throw new InvalidInputException($"{path} does not exist. Check the path.", e);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException or ArgumentException or NotSupportedException)
        {
            throw new InvalidInputException($"{path} cannot be read: {e.Message}", e);
        }
    }
}
