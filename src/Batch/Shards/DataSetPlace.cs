namespace PromptToPrompt.Batch.Shards;

/// <summary>
/// Where the files of a data set are. A run also has a folder on its machine for unfinished work, in which it reads the small files of the data set: the manifest,
/// the statistics of complete shards and their failed items. Of a data set in a folder, both are the same.
/// </summary>
internal abstract class DataSetPlace
{
    /// <summary>Its name: the path of the folder, or the address.</summary>
    public abstract string Name { get; }

    /// <summary>Whether its manifest has a random number of the run: files on this machine may be of an earlier run, which was deleted elsewhere.</summary>
    public virtual bool NumbersRuns => false;

    /// <summary>The path or address of a file, for messages and other processes.</summary>
    public abstract string PathOf(string name);

    /// <summary>Brings the small files up to date. If the manifest is not that of this machine, unfinished work here is of another run, and is deleted.</summary>
    public abstract void Fetch(CancellationToken cancellationToken = default);

    /// <summary>Brings the manifest and the small files of one shard up to date; of another manifest, all.</summary>
    public abstract void Fetch(ShardPaths shard, CancellationToken cancellationToken = default);

    /// <summary>Writes a small file, unless the data set has it.</summary>
    /// <returns>Whether the data set has this text now.</returns>
    public abstract bool Create(string name, string text, CancellationToken cancellationToken = default);

    /// <summary>Writes a small file.</summary>
    public abstract void Write(string name, byte[] content, CancellationToken cancellationToken = default);

    /// <summary>Moves a file of a shard to the data set.</summary>
    /// <param name="path">The complete file in the folder of unfinished work.</param>
    /// <param name="name">Its name in the data set.</param>
    /// <param name="cancellationToken">Gives it up. Then the file stays where it is.</param>
    public abstract void Move(string path, string name, CancellationToken cancellationToken = default);

    /// <summary>Moves the statistics of a shard to the data set, after all its other files: with them, the shard is complete.</summary>
    /// <inheritdoc cref="Move"/>
    /// <exception cref="IOException">Another process has completed the shard with other files.</exception>
    public abstract void Complete(string path, string name, CancellationToken cancellationToken = default);

    /// <summary>The error that another process has completed a shard with other files than those that this one was writing.</summary>
    /// <param name="name">Name of the statistics.</param>
    public IOException Mixed(string name) =>
        new($"{PathOf(name)}: another process completed this shard with other files, and files of both may be mixed now. Delete that file and run the same command again. Give processes shards of their own, by partitions or a cluster.");

    /// <summary>Deletes a file, if the data set has it.</summary>
    public abstract void Delete(string name, CancellationToken cancellationToken = default);
}
