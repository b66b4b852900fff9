namespace PromptToPrompt.Cluster.Hosting;

/// <summary>The cluster cannot be used. The message says what to do.</summary>
internal sealed class ClusterException(string message, Exception? cause = null) : IOException(message, cause);
