using System.Formats.Tar;
using System.IO.Compression;
using System.Text;
using CsCheck;
using PromptToPrompt.Diffusion.Pipelines;
using PromptToPrompt.Diffusion.Storage.Files;
using PromptToPrompt.Diffusion.Storage.Layouts;
using PromptToPrompt.Diffusion.Storage.Weights;

namespace PromptToPrompt.Diffusion.Tests.Storage.Models;

/// <summary>What failed downloads leave is called what it is, wherever a file of a model is expected.</summary>
public sealed class FileSignatureTests(SmallModels models) : IClassFixture<SmallModels>, IDisposable
{
    private readonly TemporaryFolder folder = new();

    public static TheoryData<string, byte[], string> Foreign => new()
    {
        { "page", Utf8("<!DOCTYPE html>\n<html><head><title>Sign in</title></head></html>"), "a web page (HTML) that says \"Sign in\"" },
        { "bare page", Utf8("\uFEFF  \r\n<HTML lang=en><body>no</body></HTML>"), "a web page (HTML)" },
        { "page in UTF-16", Encoding.Unicode.GetPreamble().Concat(Encoding.Unicode.GetBytes("<html><title>Hm</title></html>")).ToArray(), "a web page (HTML) that says \"Hm\"" },
        { "server's answer", Utf8("{\"error\":\"Unauthorized\",\"message\":\"log in\"}"), "Unauthorized: log in\"" },
        { "XML", Utf8("<?xml version=\"1.0\"?>\n<Error><Code>AccessDenied</Code><Message>Access Denied</Message></Error>"), "an XML document that says \"A" },
        { "text", Utf8("Entry not found"), "a text file that says \"Entry not found\"" },
        { "short text", Utf8("no"), "a text file that says \"no\"" },
        { "pointer", Utf8("version https://git-lfs.github.com/spec/v1\noid sha256:0123\nsize 4\n"), "git lfs pull" },
        { "GGUF", [.. "GGUF\u0003\0\0\0"u8, .. new byte[100]], "a GGUF file" },
        { "nothing", [], "an empty file" },
        { "zeros", new byte[5000], "starts with zeros" },
        { "gzip", Gzip("model"), "a gzip archive" },
        { "tar", Tar(), "a tar archive" },
        { "7-Zip", [(byte)'7', (byte)'z', 0xBC, 0xAF, 0x27, 0x1C, 0, 4, .. new byte[60]], "a 7-Zip archive" },
        { "picture", [0x89, .. "PNG\r\n\u001a\n"u8, .. new byte[60]], "an image (PNG)" },
    };

    // The bytes after a byte order mark need not be text.
    [Fact]
    public void AnyBeginningIsRecognizedOrNot() => Gen.Select(Gen.OneOf<byte[]>([0xFF, 0xFE], [0xFE, 0xFF], [0xEF, 0xBB, 0xBF], []), Gen.OneOf(Gen.Byte, Gen.Byte[0xD8, 0xDF]).Array[0, 12])
        .Sample((mark, rest) => _ = FileSignature.Of([.. mark, .. rest]));

    [Theory]
    [MemberData(nameof(Foreign))]
    public void WhereWeightsAreExpectedAFileIsCalledWhatItIs(string kind, byte[] content, string expected)
    {
        foreach (var name in new[] { "m.safetensors", "m.ckpt" })
        {
            File.WriteAllBytes(folder[name], content);
            Says(expected, folder[name], () => SafetensorsFile.Open(folder[name]));
            Says(expected, folder[name], () => StableDiffusionModel.Load(folder[name]));
            Says(expected, folder[name], () => StableDiffusionModel.Load(models.Plain, options: new() { Loras = [new Lora(folder[name])] }));
            Says(expected, folder[name], () => StableDiffusionModel.Load(models.Plain, options: new() { Embeddings = [new TextEmbedding(folder[name], "word")] }));
        }

        Assert.NotNull(kind);
    }

    /// <summary>The same but for what is text, and is no more than a damaged file where text is expected.</summary>
    public static TheoryData<string, byte[], string> ForeignToText => new(Foreign.Where(row => row.Data.Item1 is not ("text" or "short text" or "server's answer")));

    [Theory]
    [MemberData(nameof(ForeignToText))]
    public void WhereTextIsExpectedAFileIsCalledWhatItIs(string kind, byte[] content, string expected)
    {
        foreach (var file in new[] { "model_index.json", "unet/config.json", "scheduler/scheduler_config.json", "tokenizer/vocab.json", "tokenizer/merges.txt", "tokenizer/tokenizer_config.json" })
        {
            var model = folder.Copy(models.Plain, $"{kind} {Path.GetFileNameWithoutExtension(file)} {Path.GetDirectoryName(file)}");
            File.WriteAllBytes(Path.Combine(model, file), content);
            Says(expected, Path.GetFileName(file), () => StableDiffusionModel.Load(model));
        }
    }

    [Fact]
    public void AServersAnswerIsNoConfig()
    {
        var model = folder.Copy(models.Plain, "m");
        File.WriteAllText(Path.Combine(model, "unet", "config.json"), "{\"error\":\"Repository not found\"}");
        Says("a server's response, \"Repository not found\"", "config.json", () => StableDiffusionModel.Load(model));
    }

    /// <summary>A file that ends early, wherever it does, is refused as truncated or by what is left of it.</summary>
    [Fact]
    public void ATruncatedFileSaysSo()
    {
        var whole = File.ReadAllBytes(Path.Combine(models.Plain, "vae", "diffusion_pytorch_model.safetensors"));
        foreach (var length in new[] { 1, 7, 8, 9, 100, 2000, whole.Length / 2, whole.Length - 1 })
        {
            File.WriteAllBytes(folder["m.safetensors"], whole[..length]);
            var error = Assert.Throws<InvalidInputException>(() => SafetensorsFile.Open(folder["m.safetensors"]));
            Assert.Contains("download it again", error.Message);
            Assert.DoesNotContain('\n', error.Message);
        }
    }

    [Theory]
    [InlineData(CompressionLevel.Optimal)]
    [InlineData(CompressionLevel.NoCompression)]
    public void AZipThatIsNoCheckpointIsToBeUnpacked(CompressionLevel level)
    {
        using (var zip = ZipFile.Open(folder["m.zip"], ZipArchiveMode.Create))
        using (var entry = zip.CreateEntry("model.safetensors", level).Open())
            entry.Write(new byte[1000]);
        Says("unpack it", folder["m.zip"], () => StableDiffusionModel.Load(folder["m.zip"]));
    }

    /// <summary>A header of 123 bytes begins with the character "{", one of 60 with "&lt;": the length decides before the look of it.</summary>
    [Theory]
    [InlineData('{')]
    [InlineData('<')]
    [InlineData('P')]
    public void ASoundFileIsReadWhateverItsFirstByte(char first)
    {
        var json = Encoding.UTF8.GetBytes("{\"w\":{\"dtype\":\"U8\",\"shape\":[1],\"data_offsets\":[0,1]}}".PadRight(first));
        File.WriteAllBytes(folder["m.safetensors"], SafetensorsBytes.Compose(json, [7]));
        using var file = SafetensorsFile.Open(folder["m.safetensors"]);
        Assert.Equal(7, file.Read("w").item<byte>());
    }

    /// <summary>Configs and tokenizers are read as editors save them: with the byte-order marks of UTF-8 and of UTF-16.</summary>
    [Theory]
    [InlineData("utf-8")]
    [InlineData("utf-16")]
    [InlineData("utf-16BE")]
    public void ByteOrderMarksAreRead(string encoding)
    {
        var marked = encoding == "utf-8" ? new UTF8Encoding(encoderShouldEmitUTF8Identifier: true) : Encoding.GetEncoding(encoding);
        var model = folder.Copy(models.Xl, "marked");
        foreach (var path in Directory.EnumerateFiles(model, "*", SearchOption.AllDirectories).Where(path => Path.GetExtension(path) is ".json" or ".txt").ToList())
            File.WriteAllText(path, File.ReadAllText(path), marked);
        Assert.Equal(marked.GetPreamble()[0], File.ReadAllBytes(Path.Combine(model, "tokenizer", "merges.txt"))[0]);

        using var plain = StableDiffusionModel.Load(models.Xl);
        using var loaded = StableDiffusionModel.Load(model);
        using var predicted = StableDiffusionModel.Load(model, options: new() { Prediction = PromptToPrompt.Diffusion.Sampling.PredictionType.Epsilon });

        Assert.Equal(plain.Fingerprint, loaded.Fingerprint);
        Assert.Equal(plain.Tokenizer.Encode("a cat"), loaded.Tokenizer.Encode("a cat"));
    }

    public void Dispose() => folder.Dispose();

    private static byte[] Utf8(string text) => Encoding.UTF8.GetBytes(text);

    private static byte[] Gzip(string text)
    {
        using var memory = new MemoryStream();
        using (var gzip = new GZipStream(memory, CompressionMode.Compress))
            gzip.Write(Utf8(text));
        return memory.ToArray();
    }

    private static byte[] Tar()
    {
        using var memory = new MemoryStream();
        using (var tar = new TarWriter(memory, leaveOpen: true))
            tar.WriteEntry(new UstarTarEntry(TarEntryType.RegularFile, "model.safetensors") { DataStream = new MemoryStream(new byte[600]) });
        return memory.ToArray();
    }

    private static void Says(string expected, string path, Action open)
    {
        var error = Assert.Throws<InvalidInputException>(open);
        Assert.Contains(expected, error.Message);
        Assert.Contains(path, error.Message);
        Assert.DoesNotContain('\n', error.Message);
    }
}
