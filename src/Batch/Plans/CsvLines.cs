using System.Globalization;
using System.Text;
using CsvHelper;
using CsvHelper.Configuration;

namespace PromptToPrompt.Batch.Plans;

/// <summary>Reads plans in CSV: the first line names the columns. Empty cells are not given; a column may occur several times.</summary>
internal static class CsvLines
{
    private static readonly UTF8Encoding Strict = new(encoderShouldEmitUTF8Identifier: false, throwOnInvalidBytes: true);

    /// <inheritdoc cref="JsonLines.Read"/>
    public static IEnumerable<PlanLine> Read(byte[] bytes, PlanError fail)
    {
        using var text = new StreamReader(new MemoryStream(bytes), Strict);
        using var csv = new CsvParser(text, new CsvConfiguration(CultureInfo.InvariantCulture) { IgnoreBlankLines = true, BadDataFound = null });
        string[]? columns = null;
        while (Next())
        {
            // A quoted cell may have several lines; the record begins at the first.
            var number = csv.RawRow - csv.RawRecord.AsSpan().Trim().Count('\n');
            var cells = csv.Record!;
            if (columns is null)
            {
                columns = [.. cells.Select(cell => cell.Trim())];
                continue;
            }

            if (cells.Length > columns.Length)
                throw fail(number, null, $"The line has {cells.Length} cells and the first line {columns.Length}. Put texts with commas in quotes.");
            yield return new PlanLine(number, [.. cells.Zip(columns).Where(pair => pair.First.Length > 0).Select(pair => new PlanField(pair.Second, [pair.First]))]);
        }

        bool Next()
        {
            try
            {
                return csv.Read();
            }
            catch (Exception e) when (e is CsvHelperException or DecoderFallbackException)
            {
                throw fail(csv.RawRow + 1, null, e is DecoderFallbackException ? "The file is not UTF-8. Save it as UTF-8." : "The line is not valid CSV. Put texts with commas or quotes in quotes.");
            }
        }
    }
}
