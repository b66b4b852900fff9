using System.Text.Json;
using PromptToPrompt.Batch.Making;

namespace PromptToPrompt.Batch.Filters;

/// <summary>A filter outside the program, which is asked in JSON: <c>{"key", "source", "target", "edit", "source_file", "edited_file", "scores"}</c>, and answers <c>{"keep": true, "score": 0.3}</c>.</summary>
internal abstract class AskingFilter : PairFilter
{
    private const string ScoreName = "score";
    private static readonly TimeSpan Longest = TimeSpan.FromMinutes(10);

    private readonly DirectoryInfo files = Directory.CreateTempSubdirectory("p2p-filter-");

    /// <summary>The filter's name, for errors.</summary>
    protected abstract string Name { get; }

    /// <inheritdoc/>
    public override bool Keeps(Pair pair, CancellationToken cancellationToken)
    {
        var (source, edited) = (Path.Combine(files.FullName, $"{pair.Key}.source.png"), Path.Combine(files.FullName, $"{pair.Key}.edited.png"));
        try
        {
            pair.Source.SavePng(source);
            pair.Edited.SavePng(edited);
            var answer = Ask(new Question(pair.Key, pair.Item.Source, pair.Target, pair.Instruction, source, edited, pair.Scores), cancellationToken);
            if (answer.Score is { } score)
                pair.Scores[ScoreName] = score;
            return answer.Keep!.Value;
        }
        finally
        {
            File.Delete(source);
            File.Delete(edited);
        }
    }

    /// <inheritdoc/>
    public override void Dispose() => files.Delete(recursive: true);

    /// <summary>Asks the filter.</summary>
    /// <param name="question">A line of JSON.</param>
    /// <param name="cancellationToken">Gives up.</param>
    /// <returns>Its answer; null if it gave none.</returns>
    protected abstract Task<string?> AskAsync(string question, CancellationToken cancellationToken);

    private Answer Ask(Question question, CancellationToken cancellationToken)
    {
        using var patience = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        patience.CancelAfter(Longest);
        string? text;
        try
        {
            text = AskAsync(BatchJson.Line(question), patience.Token).GetAwaiter().GetResult();
        }
        catch (OperationCanceledException e) when (!cancellationToken.IsCancellationRequested)
        {
            throw new IOException($"The filter {Name} did not answer within {Longest.TotalMinutes} minutes.", e);
        }

        return Read(text ?? throw new IOException($"The filter {Name} ended without an answer."));
    }

    private Answer Read(string text)
    {
        try
        {
            var answer = JsonSerializer.Deserialize<Answer>(text, BatchJson.Options);
            return answer?.Keep is not null ? answer : throw new IOException($"The filter {Name} answered without \"keep\": {text.Trim()}");
        }
        catch (JsonException e)
        {
            throw new IOException($"The filter {Name} answered with something that is not JSON: {text.Trim()}", e);
        }
    }

    private sealed record Question(string Key, string Source, string Target, string? Edit, string SourceFile, string EditedFile, SortedDictionary<string, double> Scores);

    private sealed record Answer(bool? Keep, double? Score);
}
