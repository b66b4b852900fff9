using System.Text.Json;
using PromptToPrompt.Batch.Making;
using PromptToPrompt.Diffusion;
using PromptToPrompt.Diffusion.Images;

namespace PromptToPrompt.Batch.Filters;

/// <summary>A filter outside the program, which is asked in JSON: <c>{"key", "source", "target", "edit", "source_file", "edited_file", "scores"}</c>, and answers <c>{"keep": true, "score": 0.3}</c>.</summary>
internal abstract class AskingFilter : PairFilter
{
    private const string ScoreName = "score";
    private static readonly TimeSpan Longest = TimeSpan.FromMinutes(10);

    private readonly DirectoryInfo files = Directory.CreateTempSubdirectory("p2p-filter-");

    /// <summary>The filter's name, for errors.</summary>
    protected abstract string Name { get; }

    /// <summary>Whether it ever gave a valid answer. Until then, a filter that cannot be asked ends the run.</summary>
    protected bool HasAnswered { get; private set; }

    /// <inheritdoc/>
    public override bool Keeps(Pair pair, CancellationToken cancellationToken)
    {
        var (source, edited) = (Path.Combine(files.FullName, $"{pair.Key}.source.png"), Path.Combine(files.FullName, $"{pair.Key}.edited.png"));
        try
        {
            Save(pair.Source, source);
            Save(pair.Edited, edited);
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
    /// <exception cref="FilterStartException">It cannot be asked, and never answered.</exception>
    protected abstract Task<string?> AskAsync(string question, CancellationToken cancellationToken);

    /// <summary>Gives up the conversation after a question without a valid answer: a late answer would be taken for that of the next question.</summary>
    protected virtual void GiveUp()
    {
    }

    // The error is the filter's, not the pair's.
    private static void Save(Image image, string path)
    {
        try
        {
            image.SavePng(path);
        }
        catch (InvalidInputException e)
        {
            throw new IOException(e.Message, e);
        }
    }

    private Answer Ask(Question question, CancellationToken cancellationToken)
    {
        Answer? answer = null;
        try
        {
            answer = Read(Answered(question, cancellationToken));
            HasAnswered = true;
            return answer;
        }
        finally
        {
            if (answer is null)
                GiveUp();
        }
    }

    private string Answered(Question question, CancellationToken cancellationToken)
    {
        using var patience = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        patience.CancelAfter(Longest);
        try
        {
            return AskAsync(BatchJson.Line(question), patience.Token).GetAwaiter().GetResult() ?? throw new IOException($"The filter {Name} ended without an answer.");
        }
        catch (OperationCanceledException e) when (!cancellationToken.IsCancellationRequested)
        {
            throw new IOException($"The filter {Name} did not answer within {Longest.TotalMinutes} minutes.", e);
        }
    }

    private Answer Read(string text)
    {
        try
        {
            var answer = JsonSerializer.Deserialize<Answer>(text, BatchJson.Options);
            if (answer?.Keep is null)
                throw new IOException($"The filter {Name} answered without \"keep\": {text.Trim()}");
            return double.IsFinite(answer.Score ?? 0) ? answer : throw new IOException($"The filter {Name} answered with a score that is not a finite number: {text.Trim()}");
        }
        catch (JsonException e)
        {
            throw new IOException($"The filter {Name} answered with something that is not JSON: {text.Trim()}", e);
        }
    }

    private sealed record Question(string Key, string Source, string Target, string? Edit, string SourceFile, string EditedFile, SortedDictionary<string, double> Scores);

    private sealed record Answer(bool? Keep, double? Score);
}
