namespace PromptToPrompt.Cluster.Hosting;

/// <summary>The cluster cannot be used. The message names a remedy.</summary>
internal sealed class ClusterException(string message, Exception? cause = null) : IOException(message, cause);
