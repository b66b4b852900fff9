using PromptToPrompt.Batch.Making;

namespace PromptToPrompt.Batch.Filters;

/// <summary>Decides which pairs a data set keeps. Filters run one after another; the first that rejects a pair ends it.</summary>
internal abstract class PairFilter : IDisposable
{
    /// <summary>Whether to keep a pair. The filter adds its measures to the scores.</summary>
    /// <param name="pair">The pair.</param>
    /// <param name="cancellationToken">Gives up the decision.</param>
    /// <exception cref="IOException">The filter gave no answer.</exception>
    public abstract bool Keeps(Pair pair, CancellationToken cancellationToken);

    /// <inheritdoc/>
    public virtual void Dispose()
    {
    }
}
