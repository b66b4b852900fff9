using System.Text;

namespace PromptToPrompt.Diffusion.Text;

/// <summary>
/// The printable characters that represent bytes in byte-level BPE files (GPT-2, Radford et al. 2019): bytes that are printable in
/// Latin-1 represent themselves; the other 68 map to U+0100 and up, so that tokens never contain spaces or control characters.
/// </summary>
internal static class ByteAlphabet
{
    /// <summary>Marker of a token that ends a word.</summary>
    public const string EndOfWord = "</w>";

    private static readonly byte[] Order = [.. Printable(), .. Enumerable.Range(0, 256).Select(b => (byte)b).Except(Printable())];
    private static readonly char[] Characters = new char[256];
    private static readonly Dictionary<char, byte> Bytes = [];

    static ByteAlphabet()
    {
        var printable = Printable().Count();
        for (var i = 0; i < Order.Length; i++)
        {
            Characters[Order[i]] = i < printable ? (char)Order[i] : (char)(0x100 + i - printable);
            Bytes[Characters[Order[i]]] = Order[i];
        }
    }

    /// <summary>The 256 symbols in CLIP's order.</summary>
    public static IEnumerable<string> Symbols => Order.Select(b => Characters[b].ToString());

    /// <summary>The symbol of a byte.</summary>
    public static string Symbol(byte value) => Characters[value].ToString();

    /// <summary>Number of bytes that a token represents.</summary>
    public static int ByteCount(string token) =>
        token.EndsWith(EndOfWord, StringComparison.Ordinal) ? token.Length - EndOfWord.Length : token.Length;

    /// <summary>The text of a run of tokens; end-of-word markers become spaces, invalid UTF-8 becomes U+FFFD.</summary>
    public static string Decode(IEnumerable<string> tokens)
    {
        var bytes = new List<byte>();
        foreach (var character in string.Concat(tokens))
        {
            if (Bytes.TryGetValue(character, out var value))
                bytes.Add(value);
            else
                bytes.AddRange(Encoding.UTF8.GetBytes(character.ToString()));
        }

        return Encoding.UTF8.GetString([.. bytes]).Replace(EndOfWord, " ", StringComparison.Ordinal).Trim();
    }

    private static IEnumerable<byte> Printable() =>
        Enumerable.Range('!', '~' - '!' + 1)
            .Concat(Enumerable.Range('\u00A1', '\u00AC' - '\u00A1' + 1))
            .Concat(Enumerable.Range('\u00AE', '\u00FF' - '\u00AE' + 1))
            .Select(b => (byte)b);
}
