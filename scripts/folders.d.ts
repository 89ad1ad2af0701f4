export declare const folders: readonly string[];
