using PromptToPrompt.Diffusion.Native;
using static PromptToPrompt.Diffusion.Native.NativeScalar;
using static TorchSharp.torch;

namespace PromptToPrompt.Diffusion.Storage.Weights;

/// <summary>
/// A safetensors file, mapped into memory: opening it reads the header only, and its tensors lie on the mapping without a copy.
/// </summary>
/// <remarks>
/// The tensors stay valid after the file is disposed; the mapping ends with the last of them. Instances may be read from several threads.
/// Format: https://github.com/huggingface/safetensors#format.
/// </remarks>
internal sealed class SafetensorsFile : IDisposable
{
    // Enough to tell what a file of another kind is.
    private const int Beginning = 1 << 12;

    private readonly MappedFile file;

    private SafetensorsFile(string path, MappedFile file, SafetensorsHeader header)
    {
        Path = path;
        this.file = file;
        Metadata = header.Metadata;
        Tensors = header.Tensors;
    }

    /// <summary>The path the file was opened by.</summary>
    public string Path { get; }

    /// <summary>The file's notes about itself; empty where it has none.</summary>
    public IReadOnlyDictionary<string, string> Metadata { get; }

    /// <summary>What is in the file, by name, in the order of its header.</summary>
    public IReadOnlyDictionary<string, SafetensorsEntry> Tensors { get; }

    /// <summary>Opens a file and checks its header completely.</summary>
    /// <exception cref="InvalidInputException">The file cannot be read or breaks a rule of the format; the message says which and where.</exception>
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
    /// The tensor of that name, on the CPU, in the type of the file. It lies on the file's pages and costs no memory of its own; only data
    /// that is not aligned for its type, <c>BOOL</c>, and eight-bit numbers, which become float16, are copied. Writing into it does not change the file.
    /// </summary>
    /// <exception cref="InvalidInputException">The file has no such tensor.</exception>
    public Tensor Read(string name)
    {
        if (!Tensors.TryGetValue(name, out var entry))
            throw new InvalidInputException($"{Path} has no tensor \"{name}\": it is not the checkpoint that is needed here.");
        if (entry.Packing is { } packing)
        {
            using var codes = file.Tensor(entry.Offset, entry.Length, ScalarType.Byte, 1);
            using var halves = Float8Numbers.ToHalf(codes, packing);
            return halves.reshape(entry.Shape);
        }

        // A byte other than 0 and 1 is no valid bool in C++, but the format lets it pass.
        var isBool = entry.DType == ScalarType.Bool;
        var type = isBool ? ScalarType.Byte : entry.DType;
        var size = SafetensorsTypes.Size(type);
        using var flat = file.Tensor(entry.Offset, entry.Length / size, type, size);
        if (!isBool)
            return flat.reshape(entry.Shape);
        using var truth = flat.ne(Scalar(0));
        return truth.reshape(entry.Shape);
    }

    /// <summary>Closes the file. Tensors that were read from it stay valid.</summary>
    public void Dispose() => file.Dispose();

    private static MappedFile Map(string path)
    {
        try
        {
            if (Directory.Exists(path))
                throw new InvalidInputException($"{path} is a folder: give the path of a safetensors file.");
            // An empty file cannot be mapped.
            if (new FileInfo(path) is { Exists: true, Length: 0 })
                SafetensorsHeader.JsonLength(path, [], fileLength: 0);
            return MappedFile.Open(path);
        }
        catch (Exception e) when (e is FileNotFoundException or DirectoryNotFoundException)
        {
            throw new InvalidInputException($"{path} does not exist: check the path.", e);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException or ArgumentException or NotSupportedException)
        {
            throw new InvalidInputException($"{path} cannot be read: {e.Message}", e);
        }
    }
}
