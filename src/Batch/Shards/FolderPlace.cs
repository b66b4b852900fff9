using PromptToPrompt.Diffusion.Storage.Files;

namespace PromptToPrompt.Batch.Shards;

/// <summary>A data set in a folder, which several machines may share.</summary>
/// <param name="folder">Its full path.</param>
internal sealed class FolderPlace(string folder) : DataSetPlace
{
    /// <inheritdoc/>
    public override string Name => folder;

    /// <inheritdoc/>
    public override string PathOf(string name) => Path.Combine(folder, name);

    /// <inheritdoc/>
    public override void Fetch(CancellationToken cancellationToken = default)
    {
    }

    /// <inheritdoc/>
    public override void Fetch(ShardPaths shard, CancellationToken cancellationToken = default)
    {
    }

    /// <inheritdoc/>
    public override bool Create(string name, string text, CancellationToken cancellationToken = default)
    {
        AtomicFile.WriteText(PathOf(name), text);
        return true;
    }

    /// <inheritdoc/>
    public override void Write(string name, byte[] content, CancellationToken cancellationToken = default) => AtomicFile.Write(PathOf(name), stream => stream.Write(content));

    /// <inheritdoc/>
    public override void Move(string path, string name, CancellationToken cancellationToken = default) => File.Move(path, PathOf(name), overwrite: true);

    /// <inheritdoc/>
    public override void Complete(string path, string name, CancellationToken cancellationToken = default) => Move(path, name, cancellationToken);

    /// <inheritdoc/>
    public override void Delete(string name, CancellationToken cancellationToken = default) => File.Delete(PathOf(name));
}
